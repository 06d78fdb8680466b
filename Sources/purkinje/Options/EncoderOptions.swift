import CommandLineInterface
import Configurations
import Electrocardiography
import Evaluation
import Pretraining
import Runtime
import Workflows

/// What commands that look at trained encoders have in common.
enum EncoderOptions {
    static let run = Option(required: "run", .directory, help: "The run directory.")
    static let step = Option(
        "step", .integer(0...), otherwise: "the newest whole one",
        help: "The checkpoint after this many steps.")
    static let data = Option(required: "data", .file, help: "The prepared data set.")
    static let record = Option(
        required: "record", .text, help: "The record's name, as 'purkinje embed --csv' lists them.")
    static let readout = Option(
        "readout",
        .oneOf(Readout.self).taking(former: "own", as: "method") { FormerReadoutName.notice },
        default: .mean,
        help:
            "mean: over all tokens; leads: over each lead's, side by side; method: the vector that "
            + "the method itself works with; moments: mean, maximum and deviation over time, lead by lead where "
            + "tokens have one; layers: those of an early and of the last layer.")
    static let centreCrop = Flag(
        "centre-crop",
        help: "Embed the middle of each window alone, not the mean over the method's crops.")
    static let threads = Option(
        "threads", .threads, default: 1, help: "Compute threads; any number gives the same numbers."
    )
    static let seed = Option(
        "seed", .seed, default: 0, help: "Seed of the resamples and of the starts of k-means.")
    static let minimumLikelihood = Option(
        "min-likelihood", .integer(0...100), otherwise: "every listed code counts",
        help: "Only diagnostic codes of at least this likelihood count, and those of unknown.")
    static let dropUnknown = Flag(
        "drop-unknown", help: "Diagnostic codes of likelihood 0, which means unknown, do not count."
    )
    static let testData = Option(
        "test-data", .file, otherwise: "none",
        help: "A second prepared set, tested whole but for patients of the first.")

    /// The encoder that the user names.
    static func encoder(_ given: Invocation) throws -> TrainedEncoder {
        try TrainedEncoder(run: given[run], step: given[step])
    }

    /// How records become vectors.
    static func embedding(_ given: Invocation) -> EmbeddingSettings {
        EmbeddingSettings(
            readout: given[readout], centreCropOnly: given[centreCrop], threads: given[threads])
    }

    /// The labelled records of the data set that the user names.
    static func labelled(_ given: Invocation, for encoder: TrainedEncoder) throws -> LabelledData {
        try LabelledData(given[data], rule: rule(given), for: encoder)
    }

    /// Which diagnostic codes count.
    private static func rule(_ given: Invocation) -> LabelRule {
        LabelRule(
            minimumLikelihood: given[minimumLikelihood].map { Float($0) },
            dropsUnknown: given[dropUnknown])
    }

    /// What is measured, and how.
    static func assessment(
        _ given: Invocation, protocols: Set<EvaluationProtocol>, labelFractions: [Double] = [],
        labelDraws: Int = 1
    ) -> AssessmentSettings {
        AssessmentSettings(
            protocols: protocols, embedding: embedding(given), rule: rule(given),
            clusterDimension: given[ReportOptions.clusterDimension],
            map: ReportOptions.map(given), seed: given[seed],
            labelFractions: labelFractions, labelDraws: labelDraws)
    }
}

/// The name that a read-out had in version 0.1.0; the notice is written once, however often the word is read.
private enum FormerReadoutName {
    static let notice: Void = Log().warning(
        "--readout own is now --readout method; the former name goes with the next version")
}
