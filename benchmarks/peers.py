"""Peers of the engine: the same network as others would run it, character by character, with random weights.

Each peer is a function that draws the next character of every stream.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from timing import LAYERS, V
from torch import Tensor, nn


class Plain(nn.Module):
    """The network as a first PyTorch tutorial writes it: nn.LSTM on one-hot characters and a linear layer."""

    def __init__(self, hidden: int, layers: int = LAYERS) -> None:
        super().__init__()
        self.lstm = nn.LSTM(V, hidden, layers)
        self.head = nn.Linear(hidden, V)

    def forward(self, ids: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Ids (T, B) and a state of (L, B, H) each to logits (T, B, V) and the next state."""
        outputs, state = self.lstm(F.one_hot(ids, V).float(), state)
        return self.head(outputs), state


def drawn(logits: Tensor) -> Tensor:
    """One id for each row of logits (B, V)."""
    return torch.multinomial(torch.softmax(logits.float(), -1), 1)[:, 0]


def plain_loop(hidden: int, streams: int) -> Callable[[], None]:
    """A loop with one call of nn.LSTM for each character."""
    model = Plain(hidden).eval()
    state = (torch.zeros(LAYERS, streams, hidden),) * 2
    ids = torch.zeros(streams, dtype=torch.long)

    def step() -> None:
        nonlocal ids, state
        logits, state = model(ids[None], state)
        ids = drawn(logits[0])

    return step


def written_step(hidden: int, streams: int, dtype: torch.dtype = torch.float32) -> Callable[[], None]:
    """A hand-written step: layer 0 reads a table, every other layer is one product with [input; state]."""
    model = Plain(hidden)
    get = {name.removeprefix("lstm."): weight.detach() for name, weight in model.named_parameters()}
    biases = [(get[f"bias_ih_l{i}"] + get[f"bias_hh_l{i}"]).to(dtype) for i in range(LAYERS)]
    table = (get["weight_ih_l0"].T + get["bias_ih_l0"] + get["bias_hh_l0"]).to(dtype).contiguous()
    weights = [get["weight_hh_l0"].to(dtype)]
    weights += [torch.cat([get[f"weight_ih_l{i}"], get[f"weight_hh_l{i}"]], 1).to(dtype) for i in range(1, LAYERS)]
    head, head_bias = get["head.weight"].to(dtype), get["head.bias"].to(dtype)
    one = streams == 1
    if not one:
        weights, head = [weight.T.contiguous() for weight in weights], head.T.contiguous()
    shape = (hidden,) if one else (streams, hidden)
    h = [torch.zeros(shape, dtype=dtype) for _ in range(LAYERS)]
    c = [torch.zeros(shape) for _ in range(LAYERS)]
    ids = torch.zeros(streams, dtype=torch.long)
    multiplied = torch.addmv if one else torch.addmm

    def step() -> None:
        nonlocal ids
        for i in range(LAYERS):
            start = (table[ids[0]] if one else table[ids]) if i == 0 else biases[i]
            inputs = h[0] if i == 0 else torch.cat([h[i - 1], h[i]], -1)
            sums = multiplied(start, weights[i], inputs) if one else multiplied(start, inputs, weights[i])
            inner, forget, new, outer = sums.float().chunk(4, -1)
            c[i] = torch.sigmoid(forget) * c[i] + torch.sigmoid(inner) * torch.tanh(new)
            h[i] = (torch.sigmoid(outer) * torch.tanh(c[i])).to(dtype)
        logits = multiplied(head_bias, head, h[-1])[None] if one else multiplied(head_bias, h[-1], head)
        ids = drawn(logits)

    return step


def onnx_loop(hidden: int, threads: int, quantised: bool) -> Callable[[], None]:
    """A step of ONNX Runtime for one stream; `quantised` makes the weights int8 by its dynamic quantisation."""
    import onnxruntime

    model = Plain(hidden)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        _save_onnx(model, path)
        if quantised:
            from onnxruntime.quantization import QuantType, quantize_dynamic

            logging.disable(logging.WARNING)  # it recommends a step that does not change this graph
            small = path.with_name("int8.onnx")
            quantize_dynamic(path, small, weight_type=QuantType.QInt8, op_types_to_quantize=["LSTM", "MatMul"])
            path = small
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    ids, h, c = np.zeros((1, 1), np.int64), *(np.zeros((LAYERS, 1, hidden), np.float32) for _ in range(2))
    random = np.random.default_rng(0)

    def step() -> None:
        nonlocal ids, h, c
        logits, h, c = session.run(None, {"ids": ids, "h": h, "c": c})
        weights = np.exp(logits[0] - logits.max())
        ids = np.searchsorted(np.cumsum(weights), random.random() * weights.sum())[None, None]

    return step


def _save_onnx(model: Plain, path: Path) -> None:
    """Save the network as a graph of ONNX's own LSTM operators, whose gates are in the order i, o, f, g."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    hidden = model.lstm.hidden_size

    def gates(name: str) -> np.ndarray:
        i, f, g, o = np.split(model.lstm.get_parameter(name).detach().numpy(), 4)
        return np.concatenate([i, o, f, g])

    constants = {"one_hot": np.eye(V, dtype=np.float32), "sequence": np.array([1]), "layers": np.array([1] * LAYERS)}
    constants |= {"head": model.head.weight.detach().numpy().T.copy(), "bias": model.head.bias.detach().numpy()}
    split = ["h", "c"]
    nodes = [helper.make_node("Gather", ["one_hot", "ids"], ["x0"])]
    nodes += [
        helper.make_node("Split", [name, "layers"], [f"{name}{i}" for i in range(LAYERS)], axis=0) for name in split
    ]
    for i in range(LAYERS):
        constants[f"w{i}"], constants[f"r{i}"] = gates(f"weight_ih_l{i}")[None], gates(f"weight_hh_l{i}")[None]
        constants[f"b{i}"] = np.concatenate([gates(f"bias_ih_l{i}"), gates(f"bias_hh_l{i}")])[None]
        inputs = [f"x{i}", f"w{i}", f"r{i}", f"b{i}", "", f"h{i}", f"c{i}"]
        outputs = [f"y{i}", f"next_h{i}", f"next_c{i}"]
        nodes.append(helper.make_node("LSTM", inputs, outputs, hidden_size=hidden))
        nodes.append(helper.make_node("Squeeze", [f"y{i}", "sequence"], [f"x{i + 1}"]))
    nodes.append(helper.make_node("MatMul", [f"x{LAYERS}", "head"], ["scores"]))
    nodes.append(helper.make_node("Add", ["scores", "bias"], ["rows"]))
    nodes.append(helper.make_node("Squeeze", ["rows", "zero"], ["logits"]))
    constants["zero"] = np.array([0])
    nodes += [
        helper.make_node("Concat", [f"next_{name}{i}" for i in range(LAYERS)], [f"next_{name}"], axis=0)
        for name in split
    ]
    state = [LAYERS, 1, hidden]
    graph = helper.make_graph(
        nodes,
        "stack",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 1]),
            *(helper.make_tensor_value_info(name, TensorProto.FLOAT, state) for name in split),
        ],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, V]),
            *(helper.make_tensor_value_info(f"next_{name}", TensorProto.FLOAT, state) for name in split),
        ],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(made)
    save(made, path)
