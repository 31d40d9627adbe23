"""Models as files for other runtimes: ONNX, torch.export, OpenVINO; checked against PyTorch before they are written."""
