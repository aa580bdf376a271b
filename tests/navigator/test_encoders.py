"""Encoders of every shape in the one form that a library calls, and how a library knows its own again."""

import pickle
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_encoder import WIDTH, FaultyEncoder, StaticEncoder, TwoSidedEncoder, WordEncoder

from paperwright.navigator.encoders import AdaptedEncoder, Encoder, Identity, LsaEncoder, adapted, fingerprint, named
from paperwright.navigator.errors import EncoderMismatch, NavigatorError

TEXTS = ["Curvature of graphs", "Reinforcement learning", "Graphs and learning"]


@pytest.mark.parametrize("encoder", [WordEncoder(), StaticEncoder(), TwoSidedEncoder()])
def test_whatever_encodes_gives_unit_vectors(encoder: object) -> None:
    ours = adapted(encoder)
    assert isinstance(ours, Encoder)
    for vectors in (ours.encode(TEXTS), ours.encode_query(TEXTS), ours.encode_document(TEXTS, batch_size=2)):
        assert vectors.shape == (3, WIDTH)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    assert ours.encode([]).shape == (0, WIDTH)


def test_queries_and_documents_may_differ() -> None:
    ours = adapted(TwoSidedEncoder())
    plain = adapted(WordEncoder())
    np.testing.assert_allclose(ours.encode_query(["graphs"]), plain.encode(["query graphs"]), atol=1e-6)
    np.testing.assert_allclose(ours.encode_document(["graphs"]), plain.encode(["passage graphs"]), atol=1e-6)


def test_arguments_that_an_encoder_lacks_are_left_out() -> None:
    """`StaticEncoder` falls over at an argument that it does not have."""
    assert adapted(StaticEncoder()).encode(TEXTS, batch_size=7).shape == (3, WIDTH)


def test_torch_tensors_and_lists_of_them() -> None:
    torch = pytest.importorskip("torch")

    class Tensors(WordEncoder):
        def encode(self, sentences: list[str]) -> object:  # type: ignore[override]
            return torch.tensor(super().encode(sentences), dtype=torch.bfloat16, requires_grad=True)

    class Lists(Tensors):
        def encode(self, sentences: list[str]) -> object:  # type: ignore[override]
            return list(super().encode(sentences))  # type: ignore[call-overload]

    plain = adapted(WordEncoder()).encode(TEXTS)
    for encoder in (Tensors(), Lists()):
        np.testing.assert_allclose(adapted(encoder).encode(TEXTS), plain, atol=0.02)


def test_the_same_encoder_is_known_again_up_to_rounding() -> None:
    class Half(WordEncoder):
        def encode(self, sentences: list[str]) -> np.ndarray:  # type: ignore[override]
            return super().encode(sentences).astype(np.float16)

    own = adapted(WordEncoder()).identity
    assert len(bytes.fromhex(own.fingerprint)) == 16
    assert own.same_as(adapted(Half("another name")).identity)
    assert not own.same_as(adapted(WordEncoder(salt="other")).identity)
    assert not own.same_as(adapted(WordEncoder(width=16)).identity)
    assert Identity.from_dict(own.as_dict()) == own


@given(st.integers(0, 2**32 - 1), st.sampled_from([16, 64, 384]))
def test_fingerprints_stay_under_noise_and_move_with_the_encoder(seed: int, width: int) -> None:
    draw = np.random.default_rng(seed)
    vector, other = (one / np.linalg.norm(one) for one in draw.standard_normal((2, width)))
    noisy = vector + 1e-3 * draw.standard_normal(width) / np.sqrt(width)
    ids = [Identity("", width, fingerprint(one.astype(np.float32))) for one in (vector, noisy, other)]
    assert ids[0].same_as(ids[1])
    assert not ids[0].same_as(ids[2])


def test_what_is_no_encoder() -> None:
    with pytest.raises(TypeError, match=r"an encoder has a method encode\(sentences\) -> vectors; got 3"):
        adapted(3)
    with pytest.raises(NavigatorError, match="gives a plain sentence a vector of zeros or NaN"):
        _ = adapted(FaultyEncoder(np.nan, always=True)).identity

    class Flat(WordEncoder):
        def encode(self, sentences: list[str]) -> np.ndarray:  # type: ignore[override]
            return np.zeros(WIDTH)

    with pytest.raises(EncoderMismatch, match=r"gave an array of shape \(32,\) for 1 texts"):
        adapted(Flat()).encode(["a"])

    class Growing(WordEncoder):
        def encode(self, sentences: list[str]) -> np.ndarray:  # type: ignore[override]
            self.width = len(sentences[0])
            return super().encode(sentences)

    growing = adapted(Growing(), Identity("growing", 4, "00" * 16))
    assert growing.encode(["four"]).shape == (1, 4)
    with pytest.raises(EncoderMismatch, match="gave vectors of 7 numbers; the library's have 4"):
        growing.encode(["sevenss"])


def test_a_query_that_an_encoder_chokes_on() -> None:
    with pytest.raises(NavigatorError, match="gives this query a vector with NaN; search with mode='lexical'"):
        adapted(FaultyEncoder(np.nan)).encode_query(["poison"])
    assert not adapted(FaultyEncoder(0)).encode_query(["poison"]).any()


def test_calls_are_one_at_a_time() -> None:
    inside = []

    class Alone(WordEncoder):
        def encode(self, sentences: list[str]) -> np.ndarray:  # type: ignore[override]
            inside.append(1)
            assert len(inside) == 1, "two calls at once"
            found = super().encode(sentences)
            inside.pop()
            return found

    ours = adapted(Alone(delay=0.001))
    failures: list[BaseException] = []

    def call() -> None:
        try:
            for _ in range(5):
                ours.encode(TEXTS)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_it_travels_with_what_it_knows() -> None:
    ours = adapted(WordEncoder())
    identity = ours.identity
    again = pickle.loads(pickle.dumps(ours))
    assert isinstance(again, AdaptedEncoder)
    assert again._known == identity
    np.testing.assert_array_equal(again.encode(TEXTS), ours.encode(TEXTS))


def test_texts_longer_than_the_encoder_reads_are_counted() -> None:
    class Limited(WordEncoder):
        max_seq_length = 5

        def tokenizer(self, sentences: list[str], verbose: bool) -> dict[str, list[list[str]]]:
            return {"input_ids": [one.split() for one in sentences]}

    ours = adapted(Limited())
    assert ours.cut(["one two", "one two three four five", "one two three four five six", "a"]) == 1
    assert adapted(WordEncoder()).cut(["word " * 1_000]) == 0


@pytest.mark.parametrize("name", ["minilm", "pickle:model", "sentence-transformers:", ""])
def test_names_that_mean_nothing(name: str) -> None:
    with pytest.raises(NavigatorError, match="an encoder's name is sentence-transformers:FOLDER or model2vec:FOLDER"):
        named(name)


def test_the_embedded_encoder_has_the_form_too() -> None:
    ours = LsaEncoder.fit(TEXTS)
    assert isinstance(ours, Encoder)
    np.testing.assert_array_equal(ours.encode(TEXTS), ours.encode_query(TEXTS))
    np.testing.assert_array_equal(ours.encode(TEXTS), ours.encode_document(TEXTS, batch_size=1))
