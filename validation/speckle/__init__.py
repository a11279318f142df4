"""Parts of the study of despeckling, and the photographs that its network is trained on."""
