"""What the browser computes is what aelib computes."""

import base64

import numpy as np
import pytest
import torch
from packed import unpack_array

from aelib import detection, hangul, metrics, zoo
from aelib.data import DIGITS, prepare
from aelib.explorer.payload import MODELS

from .pages import STROKES, html_of

OFFERED = sorted({name for names in MODELS.values() for name in names})
INSIDE = """
globalThis.ready = (async () => {
  const payload = JSON.parse(
    document.querySelector('script[type="application/json"]').textContent);
  const shelf = new Shelf(payload);
  const digits = (await shelf.digits()).map(({ image }) => image);
  const text = (arrays) => {
    const all = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
    let at = 0;
    for (const array of arrays) { all.set(array, at); at += array.length; }
    const bytes = new Uint8Array(all.buffer);
    let letters = "";
    for (let n = 0; n < bytes.length; n += 32768) {
      letters += String.fromCharCode(...bytes.subarray(n, n + 32768));
    }
    return btoa(letters);
  };
  globalThis.inside = {
    async model(name) {
      const model = await shelf.model(name);
      const codes = digits.map((image) => model.encode(image));
      return [text(codes), text(codes.map((code) => model.decode(code)))];
    },
    async judge() {
      const judge = await shelf.model("judge");
      return text(digits.map((image) => judge.read(image)));
    },
    async pca(size) {
      const pca = await shelf.pca();
      return text(digits.map((image) => pca.reconstruct(image, size)));
    },
    async scores(digit) {
      const { scaling, codes } = payload.alarms.known[digit];
      const known = new CodeDistance(
        await unpacked(scaling), await unpacked(codes), codes.shape[1]);
      const model = await shelf.model(`digit/${digit}`);
      return digits.map((image) => {
        const code = model.encode(image);
        return anomalyScores(image, model.decode(code), blurred(image), known.distance(code));
      });
    },
    prepared: (strokes) => text([prepare(strokes).image]),
    stamp: (values, side, layer) => text([run([layer],
      { data: Float32Array.from(values), channels: 1, side }).data]),
  };
})();
"""


def numbers(text, *shape):
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), "<f4").copy()).view(shape)


@pytest.fixture(scope="module")
def page(content, chromium, tmp_path_factory):
    path = tmp_path_factory.mktemp("numbers") / "page.html"
    path.write_text(html_of(content, more=INSIDE), encoding="utf-8")
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.evaluate("ready.then(() => true)")
    yield page
    page.close()


@pytest.fixture(scope="module")
def images(content):
    return unpack_array(content["digits"]["images"]).float()[:, None]


def test_the_test_digits_arrive_as_they_are(images, splits):
    eights = splits.test.only(8).floats()
    assert torch.allclose(images[160], eights[0], atol=1e-6)


@pytest.mark.parametrize("name", OFFERED)
def test_the_browser_draws_and_encodes_as_aelib_does(page, images, name):
    model = zoo.load(name)
    codes, drawn = page.evaluate("(name) => inside.model(name)", name)
    expected = metrics.encode(model, images)
    apart = (numbers(drawn, *images.shape) - metrics.reconstruct(model, images)).abs()
    assert (apart <= 0.01).double().mean() >= 0.999
    if model.latent_dim:
        spread = expected.std(0)
        astray = (numbers(codes, *expected.shape) - expected).abs() > 0.01 * spread
        assert astray.double().mean() <= 0.001


def test_the_judge_is_as_sure_as_in_aelib(page, images):
    with torch.inference_mode():
        expected = zoo.judge()(images).softmax(1)
    assert (numbers(page.evaluate("inside.judge()"), len(images), 10) - expected).abs().max() < 0.01


@pytest.mark.parametrize("size", [0, 1, 32])
def test_pca_is_that_of_aelib(page, images, splits, size):
    drawn = numbers(page.evaluate("(size) => inside.pca(size)", size), *images.shape)
    expected = metrics.LinearAutoencoder(splits.train).reconstruct(images, size)
    assert (drawn - expected).abs().max() < 0.01


@pytest.mark.parametrize("digit", [1, 8])
def test_scores_are_those_of_notebook_3(page, images, splits, digit):
    model = zoo.load(f"digit/{digit}")
    known = detection.CodeDistance(metrics.encode(model, splits.train.only(digit).floats()))
    distance = known.distance(metrics.encode(model, images))
    expected = detection.anomaly_scores(metrics.reconstruct(model, images), images, distance)
    found = page.evaluate("(digit) => inside.scores(digit)", digit)
    for name in found[0]:  # those that the page offers
        there = torch.tensor([each[name] for each in found])
        assert ((there / expected[name] - 1).abs() < 0.03).double().mean() > 0.99, name


def test_a_transposed_convolution_is_pytorchs(page):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 1, 5, 5, generator=generator)
    weight = torch.randn(1, 1, 4, 4, generator=generator)
    layer = {"kind": "transposed convolution", "inputs": 1, "outputs": 1, "kernel": 4, "stride": 3,
             "padding": [1, 0], "weight": weight.flatten().tolist(), "bias": [0.5]}  # fmt: skip
    drawn = page.evaluate(
        "([x, layer]) => inside.stamp(x, 5, layer)", [x.flatten().tolist(), layer]
    )
    expected = torch.nn.functional.conv_transpose2d(
        x, weight, torch.tensor([0.5]), stride=3, padding=1, output_padding=1
    )
    assert torch.allclose(numbers(drawn, *expected.shape), expected, atol=1e-5)


def test_the_pad_prepares_strokes_as_python_prepares_their_picture(page):
    from PIL import Image, ImageDraw

    for digit, strokes in STROKES.items():
        # As large as one likes, anywhere: the same digit, drawn on a large sheet.
        paths = [[(0.1 + 0.6 * x, 0.25 + 0.6 * y) for x, y in stroke] for stroke in strokes]
        sheet = Image.new("L", (1000, 1000), 255)
        pen = ImageDraw.Draw(sheet)
        # In the box of 20 the pen is 2.6 pixels wide, and the path has what is left of it.
        points = np.array([point for path in paths for point in path])
        width = 1000 * np.ptp(points, axis=0).max() * 2.6 / (20 - 2.6)
        for path in paths:
            places = [(1000 * x, 1000 * y) for x, y in path]
            pen.line(places, 0, round(width), "curve")
            for x, y in places:
                pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), 0)
        drawn = [{"points": path, "erases": False} for path in paths]
        theirs = numbers(
            page.evaluate("(strokes) => inside.prepared(strokes)", drawn), 1, 1, 28, 28
        )
        ours = prepare(sheet)
        assert (theirs - ours).square().mean() < 0.006, digit
        assert abs(theirs.mean() - ours.mean()) < 0.02, digit
        judge = zoo.judge()
        assert metrics.read_digits(judge, torch.cat([theirs, ours])).tolist() == [digit, digit]
    assert set(STROKES) <= set(DIGITS)


@pytest.mark.parametrize("letter", ["digeut", "hieut"])
def test_a_letter_is_inked_as_the_pad_inks_a_drawing(page, letter):
    strokes = [
        {"points": [[x / 100, y / 100] for x, y in stroke], "erases": False}
        for stroke in hangul.STROKES[letter]
    ]
    drawn = numbers(page.evaluate("(strokes) => inside.prepared(strokes)", strokes), 28, 28)
    assert (drawn - hangul.neat(letter).amax(0)).abs().max() < 1e-3
