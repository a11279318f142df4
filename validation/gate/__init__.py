"""The gate of the image benchmarks: their samplers with an exact score in place of the network.

For every line of a benchmark, the code that will sample (start, step, grid, process, network
wrapper, parameterisation, arithmetic and noise source) runs on a log-normal law of tiny pictures.
Of all this only the network is replaced, by a stand-in that puts out what a perfect one would.

    agreement   on the draws of the benchmark's own noise source, every state at t = 0 is that of
                `gbm_ref`, to a bound on rounding that is computed along the path
    law         by injected noise, the law of log x_0 is that of `gbm_ref.exact_law`: no chance
    sampled law draws of the noise source lead to that law (exact tests, false alarm stated)
    noise       the draws are standard normal, in the tails too, independent of each other, and
                those of an image are the same in every batch

`gbm_ref` is told what the benchmark should do from the settings alone, so nothing that is examined
has a part in what it is compared with. The gate runs anew each time, before anything is trained or
sampled; its outcome goes into the benchmark's result. `python -m validation.gate` is the gate
alone.
"""
