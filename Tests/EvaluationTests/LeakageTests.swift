import Configurations
import Electrocardiography
import Foundation
import LinearAlgebra
import Testing

@testable import Evaluation

/// What fold 10 holds reaches nothing that is fitted or chosen.
@Suite struct LeakageTests {
    /// The synthetic records with other signals, labels, ages and sexes in fold 10, and all else as it was.
    private static let changed = Result {
        let records = try SyntheticRecords.records()
        let numbers = records.dataset.records().filter { $0.description.fold == 10 }
            .map(\.description.name)
        return try records.changed(
            "fold10",
            files: { folder in
                try exchange(numbers, below: folder + "/records500/00000/")
            }
        ) { lines in
            let names = lines[0].split(separator: ",").map(String.init)
            guard let fold = names.firstIndex(of: "strat_fold"),
                let age = names.firstIndex(of: "age"), let sex = names.firstIndex(of: "sex"),
                let codes = names.firstIndex(of: "scp_codes")
            else { return lines }
            var count = 0
            return [lines[0]]
                + lines.dropFirst().map { line in
                    var cells = cells(of: line)
                    guard cells[fold] == "10" else { return line }
                    (cells[age], cells[sex]) = ("20", "0")
                    cells[codes] =
                        "\"{'\(["NORM", "IMI", "LVH", "CLBBB", "NDT"][count % 5])': 100.0}\""
                    count += 1
                    return cells.joined(separator: ",")
                }
        }
    }

    /// Cells of a row; those in quotes keep them.
    private static func cells(of line: String) -> [String] {
        var cells = [""]
        var isQuoted = false
        for character in line {
            if character == "\"" { isQuoted.toggle() }
            if character == ",", !isQuoted {
                cells.append("")
            } else {
                cells[cells.count - 1].append(character)
            }
        }
        return cells
    }

    /// Gives each record the signal of the next one.
    private static func exchange(_ numbers: [String], below folder: String) throws {
        let names = numbers.map { String(repeating: "0", count: 5 - $0.count) + $0 + "_hr" }
        let headers = try names.map {
            try String(contentsOfFile: folder + $0 + ".hea", encoding: .utf8)
        }
        let signals = try names.map {
            try Data(contentsOf: URL(fileURLWithPath: folder + $0 + ".dat"))
        }
        for (place, name) in names.enumerated() {
            let next = (place + 1) % names.count
            try headers[next].replacingOccurrences(of: names[next], with: name)
                .write(toFile: folder + name + ".hea", atomically: true, encoding: .utf8)
            try signals[next].write(to: URL(fileURLWithPath: folder + name + ".dat"))
        }
    }

    private func parts(_ dataset: PreparedDataset) throws -> LabelledRecords {
        try LabelledRecords(
            dataset, externalSet: nil, folds: SyntheticRecords.folds(), rule: LabelRule())
    }

    @Test(arguments: ["hybrid", "st-mem"])
    func fold10DecidesNothing(method: String) throws {
        let (before, after) = (try SyntheticRecords.records().dataset, try Self.changed.get())
        let (records, others) = (try parts(before), try parts(after))
        #expect(records.training.map(\.classes) == others.training.map(\.classes))
        #expect(records.validation.map(\.classes) == others.validation.map(\.classes))
        #expect(records.test.map(\.classes) != others.test.map(\.classes))

        func features(_ records: LabelledRecords, _ dataset: PreparedDataset) throws
            -> FeatureSplits
        {
            let encoder = try TrainedEncoder(
                withRandomWeightsOf: SyntheticRecords.configuration(method), dataset: dataset,
                trainingRecords: records.training)
            return try FeatureSplits(of: records, in: dataset, externalSet: nil) {
                try encoder.embed(
                    $0, of: $1, EmbeddingSettings(readout: .mean, centreCropOnly: true, threads: 2))
            }
        }
        let (a, b) = (try features(records, before), try features(others, after))
        // The normalisation of the hybrid's inputs comes from training windows.
        #expect(a.training == b.training && a.validation == b.validation && a.test != b.test)

        for kind in [LogisticRegression.Kind.multiLabel, .singleLabel] {
            let probe = try LinearProbe(a, of: records, kind: kind, seed: 0)
            let other = try LinearProbe(b, of: others, kind: kind, seed: 0)
            #expect(probe.strength == other.strength)
            #expect(probe.validationAUROC == other.validationAUROC)
            #expect(probe.test.summary.json["thresholds"] == other.test.summary.json["thresholds"])
            #expect(
                probe.test.summary.json["auroc_macro"] != other.test.summary.json["auroc_macro"])
            // Statistics and weights together: the same vectors get the same probabilities.
            let same = probe.probabilities(of: a.validation)
            #expect(same == other.probabilities(of: a.validation))
        }

        func targets(_ records: LabelledRecords, _ dataset: PreparedDataset) throws
            -> FeatureSplits
        {
            try FeatureSplits(of: records, in: dataset, externalSet: nil) {
                PlainFeatures.clinicalParameters($0, of: $1) ?? Matrix(rows: 0, columns: 0)
            }
        }
        let (x, y) = (try targets(records, before), try targets(others, after))
        #expect(x.filled().training == y.filled().training)
        #expect(x.filled().validation == y.filled().validation)
        let read = try ParameterProtocol(
            a, targets: x, names: PlainFeatures.clinicalNames, seed: 0)
        let reread = try ParameterProtocol(
            b, targets: y, names: PlainFeatures.clinicalNames, seed: 0)
        #expect(read.readings.contains { $0.penalty != nil })
        for (first, second) in zip(read.readings, reread.readings)
        where first.penalty != nil && second.penalty != nil {
            #expect(first.penalty == second.penalty, "\(first.name)")
        }
    }
}
