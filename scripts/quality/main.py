"""Measures what encoders are worth (see scripts/measure-quality)."""

import argparse
import sys

import combine
import curve
import labels
import selftest
import targets
from methods import Methods
from prepared import PreparedSet, RecordFile, fail
from splits import TESTS
from store import Store


def named(text):
    """NAME=FILE+FILE… as name and files."""
    name, equals, files = text.partition("=")
    if not equals or not name or not all(files.split("+")):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=FILE, or NAME=FILE+FILE for several seeds")
    return name, files.split("+")


def fraction(text):
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not above 0 and at most 1")
    return value


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not 1 or more")
    return value


def parser():
    every = argparse.ArgumentParser(prog="scripts/measure-quality", description=__doc__)
    commands = every.add_subparsers(dest="command", required=True)

    def add(name, help):
        command = commands.add_parser(name, help=help)
        command.add_argument("--data", required=True, help="the prepared set")
        command.add_argument("--out", required=True, help="a folder for results and for what need not be done twice")
        command.add_argument("--test", choices=TESTS, default="fold9", help="which records are tested (default fold9)")
        command.add_argument("--seed", type=int, default=0, help="of resamples, draws and trees (default 0)")
        command.add_argument("--resamples", type=positive, default=1000, help="for intervals (default 1000)")
        return command

    one = add("curve", "AUROC over CPU seconds of pretraining")
    one.add_argument("--plan", required=True, help="a JSON file with what is pretrained; docs/evaluation.md has one")
    one.add_argument("--line", type=named, action="append", default=[], metavar="NAME=RUN",
                     help="a run of the method finetune, drawn as a level line; NAME=RUN:STEP for a step")
    one.add_argument("--without-lines", action="store_true", help="leave MiniRocket and clinical parameters out")
    for name, help in [("labels", "with fewer labels"), ("targets", "sex, age, rhythm and form"),
                       ("combine", "together with clinical parameters")]:
        one = add(name, help)
        one.add_argument("--embedding", type=named, action="append", required=True, metavar="NAME=FILE",
                         help="a file of 'purkinje embed'; combine takes FILE+FILE for several seeds")
        if name != "combine":
            one.add_argument("--random", metavar="FILE", help="a file of 'purkinje embed --random-weights'")
        if name == "labels":
            one.add_argument("--fractions", type=fraction, nargs="+", default=labels.FRACTIONS, help="parts of the labels")
            one.add_argument("--draws", type=positive, default=5, help="how often a part is drawn (default 5)")
        if name == "targets":
            one.add_argument("--ptb-xl", required=True, help="the folder with ptbxl_database.csv and scp_statements.csv")
        if name == "combine":
            one.add_argument("--scores", type=named, action="append", default=[], metavar="NAME=FILE",
                             help="a file of 'purkinje embed --scores', or of any program")
    commands.add_parser("self-test", help="checks these scripts on drawn data")
    return every


def files(pairs, tensor, prepared):
    """Named files; a name stands once."""
    if len({name for name, _ in pairs}) < len(pairs):
        fail(f"two files of {tensor} have one name")
    return {name: [RecordFile(path, tensor, prepared) for path in paths] for name, paths in pairs}


def main():
    given = parser().parse_args()
    if given.command == "self-test":
        selftest.run()
        return
    given.progress = sys.stderr
    prepared, store = PreparedSet(given.data), Store(given.out)
    methods = Methods(prepared, store, given.seed)
    if given.command == "curve":
        curve.run(given, prepared, store, methods)
        return
    encoders = files(given.embedding, "embeddings", prepared)
    if given.command == "combine":
        combine.run(given, prepared, store, methods, encoders, files(given.scores, "scores", prepared))
        return
    if any(len(seeds) > 1 for seeds in encoders.values()):
        fail("several seeds of an encoder are for combine; give one file")
    random = RecordFile(given.random, "embeddings", prepared) if given.random else None
    (labels if given.command == "labels" else targets).run(given, prepared, store, methods, encoders, random)


main()
