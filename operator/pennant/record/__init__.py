"""Makes the record of a new version from what a training pipeline leaves behind. It needs no cluster.

The readers (`git`, `dvc`, `metrics`, `parameters`, `environment`, `mlmodel`, `safetensors`, `onnx_model`, `ci`) return
parts of a record. `merging` joins them, `numbering` finds the version number, and `document` makes the manifest.
"""
