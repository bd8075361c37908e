"""Trains a character LSTM on one GPU within a given time. Self-contained: torch, numpy, safetensors.

    python3 train.py trials --seconds 25
    python3 train.py main --seconds 540 --optimizer muon --lr 2e-3 --out $OUT
"""

import time

BEGAN = time.time()

import argparse  # noqa: E402
import functools  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

LAYERS, HIDDEN, BATCH, LENGTH = 2, 1024, 256, 256
VOCABULARY, END = 128, 3
CLIP = 1.0
EMA_DECAY, EMA_FROM = 0.999, 0.6
HOLD_UNTIL = 0.4  # of the time; then the learning rate falls linearly to zero
WARM_UP, WARM_UP_STEPS = 0.01, 100
MIXED_UNTIL, PROSE_SHARE = 0.55, 0.2
# PyTorch hands cuDNN's LSTM float16 or float32 only (bfloat16 takes a slow path or fails), and float16 keeps the cell
# states eight times more precisely. One layer of B <= 128 in float16 gets cuDNN's persistent kernel.
LOSS_SCALE = {"fp16": 16384.0, "fp32": 1.0}
DTYPES = {"fp16": torch.float16, "fp32": torch.float32}
PIECE = 15_000_000  # bytes of one file of weights

LOG = None


def say(*words):
    line = " ".join(str(w) for w in words)
    print(line, flush=True)
    if LOG is not None:
        LOG.write(line + "\n")
        LOG.flush()


def elapsed():
    return time.time() - BEGAN


# ------------------------------------------------------------------------------------------------------------ data


class Text:
    """Units of text, one after another on the device; those that end a document carry the end symbol."""

    def __init__(self, tokens, lengths, device):
        self.tokens = torch.from_numpy(np.ascontiguousarray(tokens)).to(device)
        self.lengths = torch.from_numpy(lengths).to(device)
        self.starts = torch.cumsum(self.lengths, 0) - self.lengths
        self.number = len(lengths)

    def order(self, chosen):
        """The chosen units in this order, as one tensor."""
        lengths = self.lengths[chosen]
        shift = self.starts[chosen] - (torch.cumsum(lengths, 0) - lengths)
        index = torch.repeat_interleave(shift, lengths)
        index += torch.arange(len(index), device=index.device)
        return self.tokens[index]


def load(folder, device, tiny):
    with np.load(folder if str(folder).endswith(".npz") else Path(folder) / "text.npz") as file:
        arrays = {name: file[name] for name in file.files}
    if tiny:  # the first units only
        for name in ("verse", "prose", "valid_verse", "valid_prose"):
            lengths = arrays[f"{name}_lengths"]
            few = max(1, int(np.searchsorted(np.cumsum(lengths), 60_000 if name in ("verse", "prose") else 12_000)))
            arrays[f"{name}_lengths"] = lengths[:few]
            arrays[name] = arrays[name][: lengths[:few].sum()]
    verse, prose = arrays["verse"], arrays["prose"]
    # Both in one, so that an epoch is one permutation: the verse's units first.
    both = Text(np.concatenate([verse, prose]), np.concatenate([arrays["verse_lengths"], arrays["prose_lengths"]]), device)
    both.verses = len(arrays["verse_lengths"])
    valid = {s: torch.from_numpy(np.append(np.uint8(END), arrays[f"valid_{s}"])).to(device) for s in ("verse", "prose")}
    # A piece of the training verse of the same size, to see how far the model overfits.
    valid["trained"] = torch.from_numpy(np.append(np.uint8(END), verse[: len(arrays["valid_verse"])])).to(device)
    return both, valid


class Epochs:
    """Blocks of T tokens of B streams that go on from block to block; a new order of the units each epoch."""

    def __init__(self, text, batch, length, seed, device):
        self.text, self.batch, self.length, self.device = text, batch, length, device
        self.random = np.random.default_rng(seed)
        self.mixed, self.number, self.at = True, 0, 0
        self.rows = None

    def begin(self):
        verse = np.arange(self.text.verses)
        prose = np.arange(self.text.verses, self.text.number)
        if not self.mixed and len(prose):
            prose = self.random.permutation(prose)[: max(1, round(PROSE_SHARE * len(prose)))]
        chosen = torch.from_numpy(self.random.permutation(np.concatenate([verse, prose]))).to(self.device)
        stream = self.text.order(chosen)
        stream = torch.cat([torch.full((1,), END, dtype=torch.uint8, device=self.device), stream])
        columns = (len(stream) - 1) // self.batch
        if columns < self.length:
            raise SystemExit(f"{len(stream)} tokens are too few for {self.batch} rows of {self.length}")
        used = self.batch * columns
        self.inputs = stream[:used].view(self.batch, columns).t().contiguous()
        self.targets = stream[1 : used + 1].view(self.batch, columns).t().contiguous()
        self.blocks, self.at = columns // self.length, 0
        self.number += 1

    def next(self, mixed):
        """Inputs and targets (T, B), and whether the states must be zeroed first."""
        fresh = self.at == 0 or self.at >= self.blocks or mixed != self.mixed or self.number == 0
        if fresh:
            self.mixed = mixed
            self.begin()
        part = slice(self.at * self.length, (self.at + 1) * self.length)
        self.at += 1
        return self.inputs[part], self.targets[part], fresh


# ----------------------------------------------------------------------------------------------------------- model


def one_hot(ids, dtype):
    x = torch.zeros((*ids.shape, VOCABULARY), dtype=dtype, device=ids.device)
    return x.scatter_(-1, ids.long().unsqueeze(-1), 1)


class Model(nn.Module):
    """Two layers in one call of cuDNN ("fused") or in two ("split"); logits in float32."""

    def __init__(self, hidden, dropout, layout="fused", layers=LAYERS, cell="lstm"):
        super().__init__()
        kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
        if layout == "fused":
            self.lstms = nn.ModuleList([kind(VOCABULARY, hidden, layers, dropout=dropout if layers > 1 else 0.0)])
        else:
            self.lstms = nn.ModuleList([kind(hidden if layer else VOCABULARY, hidden) for layer in range(layers)])
        self.head = nn.Linear(hidden, VOCABULARY)
        self.dropout, self.layers = dropout, layers

    def forward(self, ids, state):
        out = one_hot(ids, self.head.weight.dtype)
        states = []
        for i, lstm in enumerate(self.lstms):
            out, after = lstm(out, None if state is None else state[i])
            states.append(tuple(s.detach() for s in after) if isinstance(after, tuple) else after.detach())
            out = F.dropout(out, self.dropout, self.training)
        return F.linear(out.float(), self.head.weight.float(), self.head.bias.float()), states

    def flatten(self):
        for lstm in self.lstms:
            lstm.flatten_parameters()
        return self

    def named(self):
        """The weights under the names that the product gives them."""
        found = {}
        for layer in range(self.layers):
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                fused = len(self.lstms) == 1
                found[f"layers.{layer}.{kind}"] = getattr(self.lstms[0 if fused else layer], f"{kind}_l{layer if fused else 0}")
        found["head.weight"], found["head.bias"] = self.head.weight, self.head.bias
        return found


@functools.cache
def on_cpu(hidden, seed, layers, cell):
    torch.manual_seed(seed)
    model = Model(hidden, 0.0, layers=layers, cell=cell)
    weights = {name: w.detach().clone() for name, w in model.named().items()}
    for layer, std in ((layer, 1 / (0.5 * math.sqrt(hidden)) if layer else 1.0) for layer in range(layers)):
        weights[f"layers.{layer}.weight_ih"].normal_(0, std)
        for gate in weights[f"layers.{layer}.weight_hh"].split(hidden):
            nn.init.orthogonal_(gate)
        weights[f"layers.{layer}.bias_ih"].zero_()[hidden : 2 * hidden] = 1.0  # keeps the state: forget, or update
        weights[f"layers.{layer}.bias_hh"].zero_()
    return weights


def initial(hidden, seed, device, layers=LAYERS, cell="lstm"):
    """Float32 master weights."""
    return {name: w.to(device, copy=True) for name, w in on_cpu(hidden, seed, layers, cell).items()}


@torch.no_grad()
def evaluate(model, weights, stream, rows=32, block=512):
    """Nats per token of a stream cut in rows, each begun from the zero state, in float32."""
    for name, w in model.named().items():
        w.copy_(weights[name])
    model.eval()
    columns = (len(stream) - 1) // rows
    used = rows * columns
    x, y = (stream[o : o + used].view(rows, columns).t().contiguous() for o in (0, 1))
    total, state = torch.zeros((), dtype=torch.float64, device=stream.device), None
    for at in range(0, columns, block):
        logits, state = model(x[at : at + block], state)
        total += F.cross_entropy(logits.reshape(-1, VOCABULARY).float(), y[at : at + block].reshape(-1).long(), reduction="sum").double()
    return total.item() / used


# ------------------------------------------------------------------------------------------------------ optimizers


class Muon:
    """Momentum made orthogonal, per gate block (H, in) of the H x H matrices, in the units of Adam's step size."""

    def __init__(self, weights, hidden, lr, momentum=0.95, weight_decay=0.01):
        self.weights, self.hidden = weights, hidden
        self.param_groups = [{"lr": lr, "weight_decay": weight_decay}]
        self.momentum = momentum
        self.gates = len(weights[0]) // hidden
        self.buffer = torch.zeros((self.gates * len(weights), hidden, hidden), device=weights[0].device)

    @torch.no_grad()
    def step(self):
        lr, decay = self.param_groups[0]["lr"], self.param_groups[0]["weight_decay"]
        grads = torch.cat([w.grad.view(self.gates, self.hidden, self.hidden) for w in self.weights])
        self.buffer.lerp_(grads, 1 - self.momentum)
        x = grads.lerp_(self.buffer, self.momentum)
        x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-20)).bfloat16()
        for _ in range(5):
            a = x @ x.mT
            b = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
            x = torch.baddbmm(x, b, x, beta=3.4445)
        scale = 0.2 * math.sqrt(self.hidden)
        for i, w in enumerate(self.weights):
            w.mul_(1 - lr * decay)
            w.add_(x[self.gates * i : self.gates * (i + 1)].reshape(w.shape).float(), alpha=-lr * scale)


def optimizers(name, weights, hidden, lr, weight_decay, device):
    matrices = [w for n, w in weights.items() if n.endswith("weight_ih") or n.endswith("weight_hh") or n == "head.weight"]
    vectors = [w for n, w in weights.items() if "bias" in n]
    found = []
    if name == "muon":
        inner = [w for n, w in weights.items() if n.endswith("weight_hh") or n.endswith("weight_ih") and n != "layers.0.weight_ih"]
        found.append(Muon(inner, hidden, lr, weight_decay=weight_decay))
        matrices = [weights[n] for n in ("layers.0.weight_ih", "head.weight")]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    if name == "rmsprop":
        for g in groups:
            g["weight_decay"] = 0.0  # coupled there, so left out
        found.append(torch.optim.RMSprop(groups, lr=lr, alpha=0.99, eps=1e-8, foreach=True))
    else:
        found.append(torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99), fused=device.type == "cuda"))
    return found


@torch.no_grad()
def clip(grads, limit):
    """Scale to the norm; one that is not finite makes the gradients zero. Never waits for the device.

    Returns:
        Whether they were made zero, on the device.
    """
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
    good = torch.isfinite(norm)
    factor = torch.where(good, (limit / (norm + 1e-6)).clamp(max=1.0), torch.zeros_like(norm))
    torch._foreach_mul_(grads, factor)
    for g in grads:  # inf x 0 is NaN
        torch.nan_to_num_(g, nan=0.0, posinf=0.0, neginf=0.0)
    return ~good


# -------------------------------------------------------------------------------------------------------- training


def factor_of(progress, step, warm_up_steps):
    progress = max(0.0, progress)
    warm = min(1.0, (step + 1) / warm_up_steps, progress / WARM_UP + 1e-3)
    return warm * min(1.0, max(0.0, (1 - progress) / (1 - HOLD_UNTIL)))


class Trainer:
    """One training that ends, annealed, at the time `end` (seconds since the program began)."""

    def __init__(self, text, valid, options, optimizer, lr, batch, layout, device, save=None):
        self.text, self.valid, self.options, self.device, self.save = text, valid, options, device, save
        self.name, self.lr, self.batch, self.layout, self.dtype = optimizer, lr, batch, layout, options.dtype
        self.hidden = options.hidden
        self.master = initial(self.hidden, 0, device, options.layers, options.cell) if options.init is None else stored(options.init, device)
        self.before = {n: w.clone() for n, w in self.master.items()} if options.init else None
        for w in self.master.values():
            w.grad = torch.zeros_like(w)
        self.work = Model(self.hidden, options.dropout, layout, options.layers, options.cell).to(device, DTYPES[self.dtype]).flatten()
        self.checker = Model(self.hidden, 0.0, layers=options.layers, cell=options.cell).to(device).flatten()
        self.ema, self.good, self.older = None, None, None
        self.restarts, self.tokens, self.history = 0, 0, []
        self.best = None  # the best validated weights of the last part of the time
        self.make_optimizers()

    def make_optimizers(self):
        self.optimizers = optimizers(self.name, self.master, self.hidden, self.lr, self.options.weight_decay, self.device)

    def copied(self):
        return {n: w.detach().clone() for n, w in self.master.items()}

    @torch.no_grad()
    def to_work(self):
        """Master weights to the copy that cuDNN runs, some recurrent weights dropped."""
        names = list(self.work.named())
        torch._foreach_copy_(list(self.work.named().values()), [self.master[n] for n in names])
        self.masks = {}
        p = self.options.weight_drop
        if p:
            for n in (n for n in self.work.named() if n.endswith("weight_hh")):
                w = self.work.named()[n]
                self.masks[n] = torch.empty_like(w).bernoulli_(1 - p).div_(1 - p)
                w.mul_(self.masks[n])

    @torch.no_grad()
    def collect(self, scale):
        """Gradients of the copy to float32 ones of the master weights."""
        named = self.work.named()
        for n, mask in self.masks.items():
            named[n].grad.mul_(mask)
        grads = [self.master[n].grad for n in named]
        torch._foreach_copy_(grads, [w.grad for w in named.values()])
        if scale != 1:
            torch._foreach_mul_(grads, 1 / scale)
        for w in named.values():
            w.grad = None
        return grads

    def validate(self, train_loss, every_split=True):
        row = {"elapsed": round(elapsed(), 1), "steps": self.steps, "epochs": self.epochs.number, "tokens": self.tokens,
               "train_loss": train_loss, "lr_factor": self.factor, "restarts": self.restarts}
        candidates = {"last": self.master} | ({"ema": self.ema} if self.ema else {})
        for kind, weights in candidates.items():
            for split, stream in self.valid.items():
                if split == "trained" and not every_split:
                    continue
                row[f"{kind}_{split}"] = evaluate(self.checker, weights, stream)
            mean = 0.7 * row[f"{kind}_verse"] + 0.3 * row[f"{kind}_prose"]
            if self.save and math.isfinite(mean) and (self.best is None or mean < self.best[0]):
                self.best = (mean, kind, row["elapsed"], {n: w.detach().clone() for n, w in weights.items()})
        self.history.append(row)
        shown = " ".join(f"{k} {v:.4f}" for k, v in row.items() if k.startswith(("last", "ema", "train")))
        say(f"[{row['elapsed']:6.1f} s] step {self.steps} epoch {self.epochs.number} {shown}")
        if self.save and self.best:
            self.save(self)
        return row

    def run(self, begin, end, validate_every=None):
        options, device = self.options, self.device
        end = max(end, begin + 0.5)
        cuda = device.type == "cuda"
        warm_up_steps = 5 if options.tiny else WARM_UP_STEPS
        torch.manual_seed(1)
        self.epochs = Epochs(self.text, self.batch, options.length, 0, device)
        scale, since = LOSS_SCALE[self.dtype], 0
        self.steps, self.factor = 0, 0.0
        window, events, train_loss = torch.zeros((), device=device), [], float("nan")
        skipped = torch.zeros((), device=device)
        last_checked, last_tokens, last_line = elapsed(), 0, elapsed()
        next_validation = begin + validate_every if validate_every else float("inf")
        state, warm_from, validating, speed = None, 0, 0.0, []
        self.good = self.older = self.copied()
        names = list(self.master)
        while True:
            now = elapsed()
            progress = (now - begin) / (end - begin)
            if progress >= 1 or (options.tiny and self.steps >= options.steps):
                break
            self.factor = factor_of(progress, self.steps - warm_from, warm_up_steps)
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = self.lr * self.factor
            x, y, fresh = self.epochs.next(progress < MIXED_UNTIL)
            if fresh:
                state = None
            self.to_work()
            self.work.train()
            logits, state = self.work(x, state)
            loss = F.cross_entropy(logits.reshape(-1, VOCABULARY).float(), y.reshape(-1).long())
            (loss * scale).backward()
            grads = self.collect(scale)
            skipped += clip(grads, CLIP)
            for optimizer in self.optimizers:
                optimizer.step()
            if progress >= EMA_FROM:
                if self.ema is None:
                    self.ema = self.copied()
                else:
                    torch._foreach_lerp_([self.ema[n] for n in names], [self.master[n] for n in names], 1 - EMA_DECAY)
            window += loss.detach()
            since += 1
            self.steps += 1
            self.tokens += x.numel()
            if cuda:  # stay at most two steps ahead of the device, so that the clock tells the truth
                event = torch.cuda.Event()
                event.record()
                events.append(event)
                if len(events) > 2:
                    events.pop(0).synchronize()
            if since == 50 or (options.tiny and since == 5):
                value = window.item() / since
                window.zero_()
                since = 0
                if skipped.item() > 1 and scale > 1:
                    scale /= 4
                    say(f"[{elapsed():6.1f} s] step {self.steps}: {skipped.item():.0f} gradients of the last were not finite; loss scale {scale:g}")
                skipped.zero_()
                finite = torch.stack([torch.isfinite(w).all() for w in self.master.values()]).all().item()
                if math.isfinite(value) and finite and value < (3.5 if self.steps - warm_from > 500 else 10):
                    train_loss = value
                    if value < 4 and (self.steps % 500 == 0 or self.older is self.good):
                        self.older, self.good = self.good, self.copied()
                else:
                    self.restarts += 1
                    say(f"[{elapsed():6.1f} s] step {self.steps}: loss {value}, weights finite: {finite}; back to the last good copy, lr halved to {self.lr / 2:g}")
                    source = self.good if self.restarts == 1 else self.older if self.restarts == 2 else self.before or initial(self.hidden, 0, device, options.layers, options.cell)
                    with torch.no_grad():
                        for n, w in self.master.items():
                            w.copy_(source[n])
                    self.lr /= 2
                    self.make_optimizers()
                    self.ema, state, warm_from = None, None, self.steps
                now = elapsed()
                if now - last_line > (10 if validate_every else 5):
                    rate = (self.tokens - last_tokens) / (now - last_checked)
                    speed.append(rate)
                    say(f"[{now:6.1f} s] step {self.steps} epoch {self.epochs.number} train {train_loss:.4f} lr {self.lr * self.factor:.2e} {rate / 1e6:.3f} M tokens/s")
                    last_checked, last_tokens, last_line = now, self.tokens, now
            if now >= next_validation and end - now > 15:
                started = elapsed()
                self.validate(train_loss)
                validating += elapsed() - started
                next_validation = now + validate_every
                last_checked, last_tokens = elapsed(), self.tokens
        if cuda:
            torch.cuda.synchronize()
        spent = elapsed() - begin
        row = self.validate(train_loss)
        row["tokens_per_second"] = self.tokens / max(1e-9, spent - validating)
        return row


# ---------------------------------------------------------------------------------------------------------- output


def stored(path, device):
    """The weights of a model.safetensors of whole numbers with scales, as float32."""
    from safetensors.numpy import load_file

    found = {}
    for file in sorted(Path(path).glob('weights-*.safetensors')) if Path(path).is_dir() else [path]:
        found |= load_file(file)
    weights = {n: a.astype(np.float32) for n, a in found.items() if not n.endswith(".scale")}
    for n, scale in found.items():
        if n.endswith(".scale"):
            weights[n.removesuffix(".scale")] *= scale[:, None]
    names = list(Model(8, 0.0, layers=sum("weight_hh" in n for n in weights)).named())
    return {n: torch.from_numpy(weights[n]).to(device) for n in names}


def write_int8(weights, out):
    """One file with matrices as whole numbers of 8 bits and the scales of their rows; the rest as float32."""
    found = {}
    for name, w in weights.items():
        w = w.detach().float().cpu()
        if w.ndim == 2 and name != "layers.0.weight_ih":
            scale = w.abs().amax(1).clamp(min=1e-12) / 127
            found[name], found[f"{name}.scale"] = (w / scale[:, None]).round().to(torch.int8).contiguous(), scale.contiguous()
        else:
            found[name] = w.contiguous()
    temporary = out / "part.tmp"
    save_file(found, str(temporary))
    os.replace(temporary, out / "weights-int8.safetensors")


def write(weights, out):
    """Float16 pieces of at most PIECE bytes, each renamed into its place when it is whole."""
    pieces, size = [{}], 0
    for name, w in weights.items():
        w = w.detach().to("cpu", torch.float16).contiguous()
        if size + w.numel() * 2 > PIECE and pieces[-1]:
            pieces.append({})
            size = 0
        pieces[-1][name] = w
        size += w.numel() * 2
    for i, piece in enumerate(pieces):
        temporary = out / "part.tmp"
        save_file(piece, str(temporary))
        os.replace(temporary, out / f"weights-{i}.safetensors")


def saver(out, options):
    written = []

    def save(trainer, final=False):
        if trainer.best is None:
            say("nothing finite to write")
            return
        mean, kind, when, weights = trainer.best
        if not written or written[-1] != (mean, kind, when):
            (write_int8 if options.int8 else write)(weights, out)
            written.append((mean, kind, when))
        text = {"written": {"kind": kind, "at": when, "mean": mean, "final": final}, "options": vars(options) | {"out": str(out)},
                "lr_at_end": trainer.lr, "history": trainer.history}
        (out / "log.json").write_text(json.dumps(text, indent=1))

    return save


def bench(options, device, batches):
    """Tokens a second of forward and backward passes; about a second for each. Returns the faster layout of each batch size."""
    best = {}
    for batch in batches:
        for layout in ("fused", "split"):
            if layout == "split" and batch > 256:
                continue
            try:
                model = Model(options.hidden, options.dropout, layout).to(device, DTYPES[options.dtype]).flatten()
                x = torch.randint(32, 127, (options.length, batch), device=device)
                for i in range(6):
                    if i == 2:
                        torch.cuda.synchronize()
                        t = time.time()
                    logits, _ = model(x, None)
                    F.cross_entropy(logits.reshape(-1, VOCABULARY), x.reshape(-1)).backward()
                queued = (time.time() - t) / 4
                torch.cuda.synchronize()
                took = (time.time() - t) / 4
            except RuntimeError as error:
                say(f"bench {layout} B={batch}: {error}")
                continue
            say(f"[{elapsed():6.1f} s] bench {layout} B={batch} T={options.length} {options.dtype}: {x.numel() / took / 1e6:.3f} M tokens/s, {took * 1e3:.1f} ms a step ({queued * 1e3:.1f} ms to launch)")
            best[batch] = min(best.get(batch, (1e9, "fused")), (took, layout))
            del model, logits
    torch.cuda.empty_cache()
    return {batch: layout for batch, (took, layout) in best.items()}


def main():
    global LOG
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["trials", "main"])
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--optimizer", choices=["adamw", "rmsprop", "muon"], default="adamw")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--weight-drop", type=float, default=0.0)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--dtype", choices=list(DTYPES), default="fp16")
    parser.add_argument("--layout", choices=["auto", "fused", "split"], default="auto", help="auto: what a bench of two seconds finds faster")
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--length", type=int, default=LENGTH)
    parser.add_argument("--hidden", type=int, default=HIDDEN)
    parser.add_argument("--validate-every", type=float, default=60)
    parser.add_argument("--out", default=None)
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--cell", choices=["lstm", "gru"], default="lstm")
    parser.add_argument("--init", help="what to go on from: a folder of weights-*.safetensors, or a model.safetensors of whole numbers")
    parser.add_argument("--int8", action="store_true", help="write 8-bit weights in one file")
    parser.add_argument("--data", default=str(Path(__file__).parent / "data"))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--steps", type=int, default=40, help="at most so many with --tiny")
    options = parser.parse_args()
    device = torch.device(options.device)
    if options.tiny:
        options.hidden, options.batch, options.length = 32, 8, 32
        torch.set_num_threads(1)
    if device.type == "cpu":
        options.dtype = "fp32"
    out = Path(options.out) if options.out else None
    if out:
        out.mkdir(parents=True, exist_ok=True)
        LOG = open(out / ("log.txt" if options.mode == "main" else "trials.txt"), "w")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    say(f"[{elapsed():6.1f} s] torch {torch.__version__}, {torch.cuda.get_device_name() if device.type == 'cuda' else 'cpu'}, cuDNN {torch.backends.cudnn.version()}")
    say(json.dumps(vars(options)))
    text, valid = load(options.data, device, options.tiny)
    say(f"[{elapsed():6.1f} s] {len(text.tokens):,} tokens, {text.verses:,} units of verse, {text.number - text.verses:,} of prose; validation {[(k, len(v)) for k, v in valid.items()]}")

    half = max(1, options.batch // 2)
    batches = [options.batch] if options.mode == "main" else [half, options.batch, 2 * options.batch]
    layouts = {b: options.layout for b in batches}
    if options.layout == "auto":
        layouts = bench(options, device, batches) if device.type == "cuda" else {}
        say("layouts:", layouts)

    if options.mode == "main":
        save = saver(out, options) if out else None
        trainer = Trainer(text, valid, options, options.optimizer, options.lr, options.batch, layouts.get(options.batch, "fused"), device, save)
        begin = elapsed()
        row = trainer.run(begin, max(begin + 1, options.seconds), options.validate_every)
        if save and trainer.best:
            save(trainer, final=True)
            say(f"[{elapsed():6.1f} s] wrote the weights: {trainer.best[1]} of {trainer.best[2]} s, 0.7 verse + 0.3 prose = {trainer.best[0]:.4f}")
        say(f"[{elapsed():6.1f} s] {row['tokens_per_second'] / 1e6:.3f} M tokens/s, {trainer.tokens:,} tokens, {trainer.restarts} restarts. Done.")
        return

    plans = [("adamw", 2e-3, options.batch), ("muon", 1e-3, options.batch), ("muon", 3e-3, options.batch), ("adamw", 2e-3, half),
             ("adamw", 4e-3, options.batch), ("adamw", 1e-3, options.batch), ("rmsprop", 2e-3, options.batch)]
    # The slow imports and the initial weights come before the first trial's clock starts.
    for name in ("adamw", "rmsprop", "muon"):
        optimizers(name, initial(options.hidden, 0, device), options.hidden, 1e-3, 0.0, device)
    limit = 6 * options.seconds + 40
    rows = []
    share = min(options.seconds, (limit - 3 - elapsed()) / len(plans))  # the same for all
    for name, lr, batch in plans:
        begin = elapsed()
        if limit - elapsed() < share:
            say(f"no time left for {name} {lr:g}")
            continue
        layout = layouts.get(batch, "fused")
        say(f"--- {name} lr {lr:g} B={batch} {layout}, {share:.1f} s")
        # Validation of about two seconds belongs to the share.
        try:
            trainer = Trainer(text, valid, options, name, lr, batch, layout, device)
            row = trainer.run(elapsed(), begin + share - (0.1 if options.tiny else 2.0))
        except (RuntimeError, torch.OutOfMemoryError) as error:  # the other trials still count
            say(f"failed: {error}")
            continue
        rows.append((row["last_verse"], row["last_prose"], name, lr, batch, layout, row))
        for w in trainer.master.values():
            w.grad = None
        del trainer
        if device.type == "cuda":
            torch.cuda.empty_cache()
    say("\nverse   prose   ema-v   ema-p   trained optimizer lr      B    layout steps  M tokens/s  restarts")
    for verse, prose, name, lr, batch, layout, row in sorted(rows, key=lambda r: r[0] if math.isfinite(r[0]) else 99):
        say(f"{verse:.4f}  {prose:.4f}  {row.get('ema_verse', float('nan')):.4f}  {row.get('ema_prose', float('nan')):.4f}  {row['last_trained']:.4f}  {name:9} {lr:<7g} {batch:<4} {layout:6} {row['steps']:<6} {row['tokens_per_second'] / 1e6:<11.3f} {row['restarts']}")
    say(f"[{elapsed():6.1f} s] trials done")


if __name__ == "__main__":
    main()
