"""Prints, per method, the graphs that its parts need for batches of 2 and others; a break in a graph is an error.

A program of its own: the shape checks of the test process cannot be compiled. The suite asks about one method and size;
`python -m tests.zoo.prediction.compiled_networks 2,3,5 cascaded_lifting danet hemlets i2l_meshnet nbf` takes a minute.
"""

import sys

import numpy as np
import torch
from skimage import data
from torch._dynamo.testing import CompileCounter

import zoo
from zoo.prediction.crops import make_crop_batch

BOX = (60.0, 0.0, 160.0, 240.0)
CAMERA = np.array([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]], np.float32)


def main() -> None:
    sizes = [int(size) for size in sys.argv[1].split(",")]
    picture = data.astronaut()[:240, 100:420]
    for method in sys.argv[2:]:
        model, graphs = zoo.load(method), CompileCounter()
        batches = [make_crop_batch(picture, [BOX] * size, CAMERA, model.crop_size) for size in sizes]
        with torch.no_grad():
            exact = model.predict_step(batches[0], 0).joints
            for part in model.compiled_parts():
                part.compile(backend=graphs, fullgraph=True)
            change = max(float((model.predict_step(batch, 0).joints[:2] - exact).abs().max()) for batch in batches)
        assert graphs.frame_count >= len(model.compiled_parts()), f"{method} predicts by what is not compiled"
        print(method, graphs.frame_count, len(model.compiled_parts()), change)


if __name__ == "__main__":
    main()
