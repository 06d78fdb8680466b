"""Compares `purkinje metrics`, `map` and `bench probe` with scikit-learn (see scripts/compare-sklearn)."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn import metrics
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE, trustworthiness

warnings.filterwarnings("ignore")
failures = 0


def run(program, *arguments):
    done = subprocess.run([program, *arguments, "--json"], capture_output=True, text=True)
    return (json.loads(done.stdout) if done.returncode == 0 else None), done


def report(name, difference, bound):
    global failures
    good = difference <= bound
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {name:58} {difference:.2e} (at most {bound:.0e})")


def measure(program, folder, tensors):
    path = folder / "case.safetensors"
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)
    return run(program, "metrics", str(path))


def ranking_cases(random, count):
    for number in range(count):
        n, k = int(random.integers(20, 400)), int(random.integers(2, 8))
        labels = (random.random((n, k)) < random.uniform(0.1, 0.6, k)).astype(np.int32)
        labels[0], labels[1] = 0, 1
        scores = labels * random.uniform(0, 1) + random.normal(size=(n, k))
        if number % 3 == 1:
            scores = np.round(scores)
        if number % 3 == 2:
            scores = 1 / (1 + np.exp(-np.round(scores, 1)))
        yield f"several labels {number}: {n} x {k}", scores, labels
    n = 60
    labels = np.tile(np.arange(3) == np.arange(n)[:, None] % 3, 1).astype(np.int32)
    yield "all scores equal", np.full((n, 3), 0.5), labels
    yield "perfect scores", labels.astype(float), labels
    yield "reversed scores", 1.0 - labels, labels
    one = np.zeros((n, 3), np.int32)
    one[:, 0], one[4, 1], one[5, 2] = np.arange(n) % 2, 1, 1
    yield "one record of a class", random.normal(size=(n, 3)), one


def compare_rankings(program, folder, random, count):
    for name, scores, labels in ranking_cases(random, count):
        found, done = measure(program, folder, {"scores": scores, "labels": labels})
        if found is None:
            report(f"{name}: {done.stderr.strip()}", np.inf, 1e-9)
            continue
        found = found["classification"]
        best = [max(metrics.f1_score(labels[:, c], scores[:, c] >= t)
                    for t in np.unique(scores[:, c])) for c in range(labels.shape[1])]
        expected = {
            "auroc_macro": metrics.roc_auc_score(labels, scores),
            "auroc_weighted": metrics.roc_auc_score(labels, scores, average="weighted"),
            "average_precision_macro": metrics.average_precision_score(labels, scores),
            "f1_macro_at_half": metrics.f1_score(labels, scores >= 0.5, average="macro"),
            "f1_macro": np.mean(best),
        }
        report(name, max(abs(found[key] - value) for key, value in expected.items()), 1e-9)


def compare_left_out(program, folder, random):
    """Classes that all records have, or none, leave the means; scikit-learn is asked for the others."""
    n = 50
    for name, column in [("a class that no record has", 0), ("a class that every record has", 1)]:
        labels = (random.random((n, 3)) < 0.4).astype(np.int32)
        labels[:, 1] = column
        scores = random.normal(size=(n, 3)) + labels
        found, _ = measure(program, folder, {"scores": scores, "labels": labels})
        found = found["classification"]
        areas = [metrics.roc_auc_score(labels[:, c], scores[:, c]) for c in (0, 2)]
        worst = abs(found["auroc_macro"] - np.mean(areas))
        worst += 0 if found["classes_left_out"] == ["1"] and found["auroc"]["1"] is None else np.inf
        report(f"{name} is left out by name", worst, 1e-9)


def compare_single_label(program, folder, random, count):
    for number in range(count):
        n, k = int(random.integers(30, 300)), int(random.integers(3, 7))
        labels = np.concatenate([np.arange(k), random.integers(0, k, n - k)]).astype(np.int32)
        scores = random.random((n, k)) + (labels[:, None] == np.arange(k))
        if number % 2:
            scores = np.round(scores * 5)
        scores = (scores + 0.01) / (scores + 0.01).sum(1, keepdims=True)
        found, done = measure(program, folder, {"scores": scores, "labels": labels})
        found = found["classification"]
        onehot = labels[:, None] == np.arange(k)
        named = scores.argmax(1)
        expected = {
            "auroc_macro": metrics.roc_auc_score(onehot, scores),
            "auroc_weighted": metrics.roc_auc_score(onehot, scores, average="weighted"),
            "f1_macro": metrics.f1_score(labels, named, average="macro", labels=range(k)),
            "f1_weighted": metrics.f1_score(labels, named, average="weighted"),
        }
        report(f"one label {number}: {n} x {k}",
               max(abs(found[key] - value) for key, value in expected.items()), 1e-9)


def cluster_cases(random, count):
    for number in range(count):
        n, d, k = int(random.integers(20, 300)), int(random.integers(1, 40)), int(random.integers(2, 7))
        clusters = np.concatenate([np.arange(k), random.integers(0, k, n - k)]).astype(np.int32)
        features = random.normal(size=(n, d)) + clusters[:, None] * random.uniform(0, 2)
        yield f"clusters {number}: {n} x {d}, {k} of them", features, clusters
    clusters = (np.arange(30) % 3).astype(np.int32)
    yield "all records equal", np.full((30, 4), 2.0), clusters
    yield "clusters without spread", np.repeat(clusters[:, None], 4, 1) * 3.0, clusters
    yield "records twice", np.repeat(random.normal(size=(15, 4)), 2, 0), clusters
    alone = np.zeros(12, np.int32)
    alone[3] = 1
    yield "a cluster of one", random.normal(size=(12, 3)), alone


def compare_clusters(program, folder, random, count):
    for name, features, clusters in cluster_cases(random, count):
        other = random.permutation(clusters)
        found, _ = measure(program, folder,
                           {"features": features, "clusters": clusters, "other_clusters": other})
        expected = {
            "davies_bouldin": metrics.davies_bouldin_score(features, clusters),
            "silhouette": metrics.silhouette_score(features, clusters),
            "calinski_harabasz": metrics.calinski_harabasz_score(features, clusters),
        }
        # A measure that grows without bound is compared by its share.
        worst = max(abs(found["clusters"][key] - value) / max(1, abs(value))
                    for key, value in expected.items())
        rand = abs(found["adjusted_rand"] - metrics.adjusted_rand_score(clusters, other))
        report(name, max(worst, rand), 1e-9)


def place(program, folder, features, *arguments):
    path = folder / "map.safetensors"
    save_file({"features": np.ascontiguousarray(features)}, path)
    found, done = run(program, "map", str(path), "--coordinates", *arguments)
    return found, done


def compare_components(program, folder, random, count):
    sizes = [(200, 30), (30, 200), (50, 2), (6, 5)]
    for number in range(count):
        n, d = sizes[number] if number < len(sizes) else map(int, random.integers(5, 300, 2))
        features = random.normal(size=(n, d)) @ np.diag(random.uniform(0.1, 3, d)) + random.normal(size=d) * 10
        found, done = place(program, folder, features, "--method", "pca")
        if found is None:
            report(f"components {number}: {done.stderr.strip()}", np.inf, 1e-9)
            continue
        fit = PCA(2, svd_solver="full").fit(features)
        expected, places = fit.transform(features), np.array(found["places"])
        signs = np.sign((expected * places).sum(0))
        worst = np.abs(places * signs - expected).max() / np.abs(expected).max()
        worst = max(worst, np.abs(found["variances"] / fit.explained_variance_ - 1).max())
        report(f"components {number}: {n} x {d}", worst, 1e-9)


def compare_neighbours(program, folder, random):
    """Where records end depends on the last bits of where they begin: scikit-learn's divergence is the middle one of five
    maps that begin within 1 % of each other."""
    for n, d, k, perplexity in [(150, 10, 3, 10), (300, 64, 5, 30), (500, 192, 5, 30), (400, 8, 1, 50)]:
        groups = random.integers(0, k, n)
        features = random.normal(size=(n, d)) + 2 * random.normal(size=(k, d))[groups]
        found, done = place(program, folder, features, "--perplexity", str(perplexity))
        if found is None:
            report(f"t-SNE {n} x {d}: {done.stderr.strip()}", np.inf, 0.01)
            continue
        start = PCA(2, svd_solver="full").fit_transform(features)
        start *= 1e-4 / start[:, 0].std()
        fits = [TSNE(2, perplexity=perplexity, method="exact",
                     init=(start * random.normal(1, 0.01, start.shape)).astype(np.float32)).fit(features)
                for _ in range(5)]
        fit = sorted(fits, key=lambda fit: fit.kl_divergence_)[2]
        name = f"t-SNE {n} x {d}, {k} groups, perplexity {perplexity}"
        own, other = found["divergence"], fit.kl_divergence_
        report(f"{name}, divergence {own:.4f} against {other:.4f}", max(0, own / other - 1), 0.01)
        trust = [trustworthiness(features, places, n_neighbors=10)
                 for places in (np.array(found["places"]), fit.embedding_)]
        report(f"{name}, trustworthiness {trust[0]:.4f} against {trust[1]:.4f}",
               max(0, trust[1] - trust[0]), 0.005)


def compare_refusals(program, folder):
    labels = np.array([[0], [1], [1]], np.int32)
    cases = {
        "NaN": ({"scores": np.array([[0.1], [np.nan], [1]]), "labels": labels}, "record number 1"),
        "one class": ({"scores": np.ones((3, 1)), "labels": np.ones((3, 1), np.int32)}, "one side"),
        "no record": ({"scores": np.ones((0, 1)), "labels": np.ones((0, 1), np.int32)}, "no record"),
        "an infinite score": (
            {"scores": np.array([[0.1], [0.3], [-np.inf]]), "labels": labels}, "record number 2"),
        "NaN in features": (
            {"features": np.array([[0.0], [1], [np.nan]]), "clusters": labels[:, 0]}, "record number 2"),
        "as many clusters as records": (
            {"features": np.ones((3, 1)), "clusters": np.arange(3, dtype=np.int32)}, "clusters"),
        "scores and labels of other counts": (
            {"scores": np.ones((4, 1)), "labels": labels}, "do not belong together"),
        "one cluster": ({"features": np.ones((3, 1)), "clusters": np.ones(3, np.int32)}, "clusters"),
    }
    for name, (tensors, text) in cases.items():
        found, done = measure(program, folder, tensors)
        refused = found is None and text in done.stderr
        report(f"{name} is refused by name", 0 if refused else np.inf, 1e-9)


def compare_probe(program, folder, random, records, width):
    factors = random.normal(size=(64, width))
    features = (random.normal(size=(records, 64)) @ factors
                + random.normal(size=(records, width))).astype(np.float32)
    features = features * np.exp(random.normal(size=width)).astype(np.float32)
    truth = features @ random.normal(size=(width, 5)) / np.sqrt(width)
    noise = random.normal(size=truth.shape) * truth.std(0)
    labels = (truth + noise > np.quantile(truth, [0.55, 0.7, 0.75, 0.8, 0.88], axis=0).diagonal())
    single = (truth + noise).argmax(1)
    scaled = (features - features.mean(0, dtype=np.float64)) / features.std(0, dtype=np.float64)
    for kind, target in [("several labels", labels.astype(np.int32)), ("one label", single.astype(np.int32))]:
        for strength in [0.001, 0.1]:
            path = folder / "probe.safetensors"
            save_file({"features": features, "labels": np.ascontiguousarray(target)}, path)
            start = time.perf_counter()
            fits = ([LogisticRegression(C=strength, max_iter=20000, tol=1e-6).fit(scaled, target[:, c])
                     for c in range(5)] if target.ndim == 2 else
                    [LogisticRegression(C=strength, max_iter=20000, tol=1e-6).fit(scaled, target)])
            seconds = time.perf_counter() - start
            loss = 0
            for column, fit in enumerate(fits):
                truths = target[:, column] if target.ndim == 2 else target
                loss += metrics.log_loss(truths, fit.predict_proba(scaled)) \
                    + (fit.coef_ ** 2).sum() / (2 * strength * records)
            found, done = run(program, "bench", "probe", str(path), "--strength", str(strength))
            if found is None:
                report(f"probe, {kind}: {done.stderr.strip()}", np.inf, 1e-6)
                continue
            name = f"probe, {kind}, C {strength}, {records} x {width}"
            report(f"{name}, loss", found["objective"] - loss, 1e-6)
            report(f"{name}, {found['seconds']:.2f} s against {seconds:.2f} s",
                   found["seconds"] / seconds, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--records", type=int, default=17000)
    parser.add_argument("--width", type=int, default=768)
    options = parser.parse_args()
    random = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compare_rankings(options.program, folder, random, options.cases)
        compare_left_out(options.program, folder, random)
        compare_single_label(options.program, folder, random, options.cases)
        compare_clusters(options.program, folder, random, options.cases)
        compare_components(options.program, folder, random, options.cases)
        compare_neighbours(options.program, folder, random)
        compare_refusals(options.program, folder)
        if options.records > 0:
            compare_probe(options.program, folder, random, options.records, options.width)
    sys.exit(1 if failures else 0)


main()
