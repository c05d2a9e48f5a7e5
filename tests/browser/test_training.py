"""What learns in the page learns as PyTorch does. As a script it assembles kernels.wat anew."""

import base64
import re

import numpy as np
import pytest
import torch

from aelib import explorer, hangul
from aelib.explorer.packing import describe_untrained
from aelib.models import UPSAMPLING, Autoencoder
from aelib.optim import learning_rate_factor
from aelib.training import reconstruction_loss, seeded

BATCH, STEPS, RATE = 64, 20, 3e-4
INSIDE = """
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const textOf = (floats) => {
  let letters = "";
  new Uint8Array(floats.buffer).forEach((byte) => (letters += String.fromCharCode(byte)));
  return btoa(letters);
};
globalThis.written = (letters) => {
  const work = handwriting(letters, 200, randoms(0));
  let next = work.next();
  while (!next.done) next = work.next();
  return textOf(next.value.images);
};
globalThis.learn = (layers, settings, simd, weights, images, steps, rate) => {
  const trainee = new Trainee(layers, settings, { simd });
  if ((trainee.bench.loops === plain) === simd) throw new Error("not as wanted");
  trainee.state = new Float32Array(bytesOf(weights).buffer);
  const all = Float32Array.from(bytesOf(images), (level) => level / 255);
  const result = { names: trainee.parameters.map(({ name }) => name), losses: [] };
  for (let n = 0; n < steps; n++) {
    trainee.show(all, Array.from({ length: BATCH }, (_, at) => n * BATCH + at));
    [...trainee.step(rate * rateFactor(n, steps))];
    result.losses.push(trainee.loss);
    result.gradients ??= textOf(trainee.gradients.slice(0, trainee.used));
  }
  result.weights = textOf(trainee.state);
  const model = new Model(trainee.plainly(), 0);
  trainee.show(all, [0]);
  [...trainee.encode(), ...trainee.decode()];
  const [own] = Trainee.of(trainee.drawn, 1);
  const lent = model.reconstruct(pictureOf(all, 0));
  result.apart = Math.max(...lent.map((value, p) => Math.abs(value - own[p])));
  return result;
};
"""
ASSEMBLED = explorer.FOLDER / "assembled.js"


def assembled(assemble):
    """What assembled.js should be."""
    source = (explorer.FOLDER / "kernels.wat").read_text(encoding="utf-8")
    letters = base64.b64encode(assemble(source)).decode()
    about = "// kernels.wat as bytes, written by tests/browser/test_training.py."
    return f'{about}\n\nexport const ASSEMBLED =\n  "{letters}";\n'


def text(values):
    return base64.b64encode(values.numpy().tobytes()).decode()


def flat(state):
    return torch.cat([value.detach().flatten() for value in state.values()])


def weights_of(model):
    """What a state holds, without the counts of batches, which nobody reads."""
    return {k: v for k, v in model.state_dict().items() if v.is_floating_point()}


def parts(encoded, like):
    values = torch.from_numpy(np.frombuffer(base64.b64decode(encoded), "<f4").copy())
    sizes = [value.numel() for value in like.values()]
    pieces = zip(like, values.split(sizes), strict=True)
    return {name: piece.view(like[name].shape) for name, piece in pieces}


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_page()
    modules = explorer.joined("trainee.js", "network.js", "handwriting.js")
    page.set_content(f'<script type="module">{modules}{INSIDE}</script>')
    page.wait_for_function("typeof learn === 'function'")
    yield page
    page.close()


# A batch norm takes away what the bias before it adds. So the bias's gradient is nothing but
# rounding, by which Adam lets it wander, and the norm's running mean with it. (Of a pixel shuffle
# four biases share a norm.)
CANCELLED = re.compile(r"(encoder\.2|decoder\.[58](\.1)?)\.bias|.*\.running_mean")
CASES = [(d, kind, True) for d in (2, 16) for kind in UPSAMPLING]
CASES += [(2, "transpose", False), (16, "bilinear", False)]


@pytest.mark.parametrize("latent_dim, kind, simd", CASES)
def test_gradients_and_twenty_steps_are_those_of_pytorch(page, latent_dim, kind, simd):
    steps = STEPS if simd else 2  # plain loops take their time
    # With another seed rounding may decide on which side of zero a ReLU's input lies.
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(256, (steps * BATCH, 1, 28, 28), generator=generator).byte()
    with seeded(latent_dim):
        model = Autoencoder(latent_dim, kind).train()
        for layer in model.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
                torch.nn.init.uniform_(layer.bias, -0.5, 0.5)
    settings = {"latentDim": latent_dim, "upsampling": kind}
    started = [settings, simd, text(flat(weights_of(model))), text(images)]
    asked = [describe_untrained(), *started, steps, RATE]
    found = page.evaluate("(all) => learn(...all)", asked)
    model.double()  # so that the rounding is the page's alone
    adam = torch.optim.Adam(model.parameters(), RATE)
    assert found["names"] == list(weights_of(model))
    assert found["apart"] < 1e-4  # what the other views draw with the same weights
    gradients = parts(found["gradients"], weights_of(model))
    for n, batch in enumerate((images.double() / 255).split(BATCH)):
        adam.param_groups[0]["lr"] = RATE * learning_rate_factor(n, steps, 0.1)
        adam.zero_grad()
        loss = reconstruction_loss(model, batch, None)
        loss.backward()
        assert found["losses"][n] == pytest.approx(loss.item(), rel=1e-3)
        for name, parameter in model.named_parameters() if n == 0 else ():
            size = parameter.grad.abs().max()
            if CANCELLED.fullmatch(name):
                assert gradients[name].abs().max() < 1e-6
            else:
                assert (gradients[name] - parameter.grad).abs().max() <= 1e-4 * size, name
        adam.step()
    ours = parts(found["weights"], weights_of(model))
    for name, values in weights_of(model).items():
        if CANCELLED.fullmatch(name):
            assert (ours[name] - values).abs().max() <= STEPS * RATE
        else:
            assert (ours[name] - values).norm() <= 1e-3 * values.norm(), name


def test_letters_are_written_as_python_writes_them(page):
    """Hands differ, so what is compared is the mean of many."""
    names = ("digeut", "hieut")
    letters = {name: [np.asarray(way).tolist() for way in hangul.STROKES[name]] for name in names}
    pixels = np.frombuffer(base64.b64decode(page.evaluate("written", letters)), "<f4")
    for name, ours in zip(letters, pixels.reshape(200, 2, 28, 28).mean(0), strict=True):
        theirs = hangul.draw(name, 200)[0].float().mean(0).numpy() / 255
        assert np.abs(ours - theirs).max() < 0.2, name


def test_the_assembled_loops_are_those_of_the_text():
    assemble = pytest.importorskip("wasmtime", reason="wasmtime is not installed").wat2wasm
    assert assembled(assemble) == ASSEMBLED.read_text(encoding="utf-8")


if __name__ == "__main__":
    import wasmtime

    ASSEMBLED.write_text(assembled(wasmtime.wat2wasm), encoding="utf-8")
