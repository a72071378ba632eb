"""Writes official.onnx: the model of `tests.rs` by ONNX's own library. Run with onnx 1.23.2."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

constants = {
    "scale2": np.float32(0.5),
    "weights3": np.array([[[[1, -2]]], [[[3, 4]]]], np.float32),
    "bias3": np.array([0.5, -0.5], np.float32),
    "shape6": np.array([0, 4], np.int64),
    "weights7": np.array([[1, 2, 3, 4], [-1, -2, -3, -4]], np.float32),
    "bias7": np.array([0.25, 0], np.float32),
    "temperature8": np.float32(2),
}
nodes = [
    helper.make_node("Cast", ["images"], ["cast1"], "cast1", to=TensorProto.FLOAT),
    helper.make_node("Mul", ["cast1", "scale2"], ["mul2"], "mul2"),
    helper.make_node(
        "Conv", ["mul2", "weights3", "bias3"], ["conv3"], "conv3",
        kernel_shape=[1, 2], pads=[1, 0, 0, 0], strides=[1, 2],
    ),
    helper.make_node("Relu", ["conv3"], ["relu4"], "relu4"),
    helper.make_node("MaxPool", ["relu4"], ["maxpool5"], "maxpool5", kernel_shape=[2, 1], strides=[1, 1]),
    helper.make_node("Reshape", ["maxpool5", "shape6"], ["reshape6"], "reshape6"),
    helper.make_node("Gemm", ["reshape6", "weights7", "bias7"], ["gemm7"], "gemm7", transB=1),
    helper.make_node("Div", ["gemm7", "temperature8"], ["div8"], "div8"),
    helper.make_node("Softmax", ["div8"], ["probabilities"], "softmax9", axis=1),
    helper.make_node("ArgMax", ["probabilities"], ["labels"], "argmax10", axis=1, keepdims=0),
]
graph = helper.make_graph(
    nodes,
    "classifier",
    [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 1, 1, 4])],
    [
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2]),
        helper.make_tensor_value_info("labels", TensorProto.INT64, ["N"]),
    ],
    [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
)
model = helper.make_model(
    graph,
    opset_imports=[helper.make_opsetid("", 13)],
    ir_version=7,
    producer_name="bakeoff",
)
helper.set_model_props(model, {"model": "toy/cnn", "class_names": '["ä","b"]'})
Path(__file__).with_name("official.onnx").write_bytes(model.SerializeToString())
