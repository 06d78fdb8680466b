import CommandLineInterface
import Configurations
import Electrocardiography
import Evaluation
import Pretraining
import Runs
import Runtime

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
            + "the method itself works with.")
    static let centreCrop = Flag(
        "centre-crop",
        help: "Embed the middle of each window alone, not the mean over the method's crops.")
    static let threads = Option(
        "threads", .count, default: 1, help: "Compute threads; any number gives the same numbers.")
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
        try encoder(of: given[run], step: given[step])
    }

    /// The encoder of a run.
    static func encoder(of run: FilePath, step: Int? = nil) throws -> TrainedEncoder {
        try TrainedEncoder(run: RunDirectory(path: run), step: step.map { UInt64($0) }) {
            Log().warning("\($0) is passed over: \($1)")
        }
    }

    /// A data set's labelled records, parted as an encoder's configuration says.
    struct Labelled {
        let dataset: PreparedDataset
        let records: LabelledRecords
        let rule: LabelRule
    }

    /// The labelled records of the data set that the user names.
    static func labelled(_ given: Invocation, for encoder: TrainedEncoder) throws -> Labelled {
        let dataset = try PreparedDataset(path: given[data])
        let rule = rule(given)
        return Labelled(
            dataset: dataset,
            records: try LabelledRecords(
                dataset, externalSet: nil, folds: encoder.configuration.data, rule: rule),
            rule: rule)
    }

    /// Which diagnostic codes count.
    private static func rule(_ given: Invocation) -> LabelRule {
        LabelRule(
            minimumLikelihood: given[minimumLikelihood].map { Float($0) },
            dropsUnknown: given[dropUnknown])
    }

    /// The records that the user names, parted as an encoder's configuration says.
    static func assessment(
        _ given: Invocation, of encoder: TrainedEncoder, protocols: Set<EvaluationProtocol>,
        clusterDimension: Int = ClusterProtocol.usualDimension, map: MapSettings? = nil,
        labelFractions: [Double] = [], labelDraws: Int = 1
    ) throws -> Assessment {
        let dataset = try PreparedDataset(path: given[data])
        if let trained = encoder.dataDigest, trained != dataset.digest {
            Log().warning(
                "the encoder was trained on another data set (\(trained)); whether that had records "
                    + "of the test fold is not known here")
        }
        if protocols.contains(.parameters), dataset.clinicalFeatureCount == 0 {
            throw CommandError(
                .usage,
                "\(dataset.path) holds no clinical parameters, which the protocol parameters needs; "
                    + "prepare it again")
        }
        let assessment = try Assessment(
            on: dataset, externalSet: given[testData].map { try PreparedDataset(path: $0) },
            folds: encoder.configuration.data,
            settings: AssessmentSettings(
                protocols: protocols, readout: given[readout],
                rule: rule(given), centreCropOnly: given[centreCrop],
                clusterDimension: clusterDimension, map: map, seed: given[seed],
                threads: given[threads], labelFractions: labelFractions,
                labelDraws: labelDraws))
        let seen = assessment.records.externalSeen
        if seen > 0 {
            Log().warning(
                "\(seen) of the \(assessment.records.external.count) records of --test-data are in --data as "
                    + "well, without a fold: an encoder that was trained on it has seen their signals"
            )
        }
        return assessment
    }
}

/// The name that a read-out had in version 0.1.0; the notice is written once, however often the word is read.
private enum FormerReadoutName {
    static let notice: Void = Log().warning(
        "--readout own is now --readout method; the former name goes with the next version")
}
