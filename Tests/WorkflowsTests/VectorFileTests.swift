import Checkpoints
import CommandLineInterface
import Evaluation
import Runtime
import Tensors
import Statistics
import TestSupport
import Testing

@testable import Workflows

/// Files of vectors, scores and labels that any program may have written.
@Suite struct VectorFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(
        _ tensors: [(String, [Float], [Int])], metadata: [String: String] = [:]
    ) throws -> FilePath {
        try SafetensorsFile.write(
            tensors.map { NamedTensor($0.0, Tensor($0.1, shape: $0.2)) }, metadata: metadata,
            to: folder.file("x.safetensors"))
        return folder.file("x.safetensors")
    }

    @Test func labelsBecomeGroups() throws {
        let path = try write(
            [
                ("features", [0, 1, 2, 3, 4, 5, 6, 7], [4, 2]),
                ("labels", [1, 0, 0, 1, 1, 1, 0, 0], [4, 2]),
            ], metadata: ["classes": "[\"A\", \"B\"]", "records": "[\"r1\", \"r2\"]"])
        let vectors = try LabelledVectors(path)
        #expect(vectors.groupNames == ["A", "B", "several"])
        #expect(vectors.groups == [0, 1, 2, nil])
        #expect(vectors.names[0] == "record r1: A")
        #expect(vectors.names[2] == "record 2: A + B")
        #expect(vectors.names[3] == "record 3: no label")
        let numbers = try LabelledVectors(
            write([("embeddings", [0, 1, 2], [3, 1]), ("labels", [2, 0, 2], [3])]))
        #expect(numbers.groups == [2, 0, 2])
        #expect(numbers.groupNames == ["class 0", "class 1", "class 2", "several"])
    }

    @Test func filesThatCannotBePlacedAreRefused() throws {
        #expect(throws: CommandError.self) { try LabelledVectors(write([("other", [1], [1])])) }
        #expect(throws: MetricError.self) {
            try LabelledVectors(write([("features", [1, 2], [2, 1]), ("labels", [1], [1])]))
        }
        #expect(throws: CommandError.self) {
            try LabelledVectors(write([("features", [1, 2], [2, 1]), ("labels", [0, -1], [2])]))
        }
    }

    private func settings(labelledOnly: Bool, limit: Int = 100) -> PlacedVectors.Settings {
        .init(method: .pca, perplexity: 5, limit: limit, labelledOnly: labelledOnly, seed: 1)
    }

    @Test func recordsArePlacedAndCounted() throws {
        let features: [Float] = [0, 0, 1, 0, 2, 0, 3, 1]
        let path = try write([
            ("features", features, [4, 2]), ("labels", [1, 0, 0, 1, 1, 1, 0, 0], [4, 2]),
        ])
        let placed = try PlacedVectors(path, settings(labelledOnly: true))
        let json = placed.result(svg: "m.svg", hasPlaces: true).json
        #expect(json["records"]?.integerValue == 3 && json["all_records"]?.integerValue == 4)
        #expect(json["rows"]?.arrayValue?.compactMap(\.integerValue) == [0, 1, 2])
        #expect(json["places"]?.arrayValue?.count == 3 && json["method"] == "pca")
        #expect(json["svg"] == "m.svg" && json["variance"] != nil)
        #expect(placed.svg.contains("<svg"))
        let bare = placed.result(svg: nil, hasPlaces: false)
        #expect(bare.json["svg"] == nil && bare.json["places"] == nil)
        #expect(bare.text == "\(path): 3 of 4 records by pca")
        let sample = try PlacedVectors(path, settings(labelledOnly: false, limit: 2))
        #expect(sample.result(svg: nil, hasPlaces: false).json["records"]?.integerValue == 2)
        let unlabelled = try write([("features", features, [4, 2])])
        let error = #expect(throws: CommandError.self) {
            try PlacedVectors(unlabelled, settings(labelledOnly: true))
        }
        #expect(error?.message.contains("leave it out") == true)
    }

    @Test func everyTensorIsMeasuredByWhatItIs() throws {
        let scores: [Float] = [0.9, 0.1, 0.8, 0.3, 0.2, 0.7, 0.4, 0.6]
        let both = try FileMetrics(
            write([
                ("scores", scores, [4, 2]), ("labels", [1, 0, 1, 0, 0, 1, 0, 1], [4, 2]),
                ("features", scores, [4, 2]), ("clusters", [0, 0, 1, 1], [4]),
                ("other_clusters", [1, 1, 0, 0], [4]),
            ]))
        #expect(both.hasScores)
        let json = try both.measured(seed: 1)
        #expect(json["adjusted_rand"]?.doubleValue == 1)
        #expect(json["clusters"] != nil && json["classification"] != nil)
        let single = try FileMetrics(
            write([("scores", scores, [4, 2]), ("labels", [0, 0, 1, 1], [4])]))
        #expect(try single.measured(seed: 1)["classification"] != nil)
    }

    @Test(
        arguments: [
            ([("other", [1], [1])], "none of the tensors"),
            ([("embeddings", [1, 0], [1, 2]), ("labels", [1], [1])], "no tensor clusters"),
            ([("scores", [1, 0], [1, 2]), ("labels", [0.5, 0], [1, 2])], "not a whole number"),
            ([("scores", [1, 0], [1, 2]), ("labels", [2, 0], [1, 2])], "which is no class"),
            ([("scores", [1, 0], [1, 2]), ("labels", [2], [1])], "which is no class"),
        ] as [([(String, [Float], [Int])], String)])
    func filesThatCannotBeMeasuredAreRefused(
        tensors: [(String, [Float], [Int])], saying text: String
    ) throws {
        let metrics = try FileMetrics(write(tensors))
        let error = #expect(throws: CommandError.self) { try metrics.measured(seed: 1) }
        #expect(error?.message.contains(text) == true && error?.exitCode == .usage)
    }

    @Test(arguments: [[2, 2], [1, 4], [3], [4, 1]])
    func labelsHaveTheShapeOfScores(shape: [Int]) throws {
        let labels = Array(repeating: Float(0), count: shape.reduce(1, *))
        let metrics = try FileMetrics(
            write([("scores", [1, 0, 0, 1, 1, 0, 0, 1], [4, 2]), ("labels", labels, shape)]))
        #expect(throws: MetricError.self) { try metrics.measured(seed: 1) }
    }

    @Test func aProbeWantsLabelsThatAreSome() throws {
        let features: [Float] = [0, 1, 2, 3, 0.5, 1.5]
        let path = try write([
            ("features", features, [6, 1]), ("labels", [0, 0, 1, 1, 0, 1], [6]),
        ])
        let json = try ProbeBenchmark(path, strength: 1).json
        #expect(json["converged"]?.booleanValue == true)
        #expect((json["objective"]?.doubleValue ?? 9) < 0.7)
        let embedded = try write([
            ("embeddings", features, [6, 1]), ("labels", [0, 0, 1, 1, 0, 1], [6]),
        ])
        #expect(try ProbeBenchmark(embedded, strength: 1).json["objective"] == json["objective"])
        let bare = try write([("labels", [0, 0, 1, 1, 0, 1], [6])])
        #expect(throws: CommandError.self) { try ProbeBenchmark(bare, strength: 1) }
        for labels in [[0, 0.5, 1, 1, 0, 1], [0, -1, 1, 1, 0, 1]] as [[Float]] {
            let wrong = try write([("features", features, [6, 1]), ("labels", labels, [6])])
            #expect(throws: CommandError.self) { try ProbeBenchmark(wrong, strength: 1) }
        }
    }

    @Test func everyCodecIsMeasured() throws {
        let numbers = (0..<5000).map { Float($0 % 7) }
        var codecs: [String: Double] = [:]
        try CodecMeasurement.ofAll(tensorsOf: write([("w", numbers, [5000])])) { result in
            codecs[result.json["codec"]?.stringValue ?? ""] = result.ratio
            #expect(result.text.hasPrefix("\(result.json["codec"]?.stringValue ?? "?"): ratio "))
        }
        #expect(codecs.count == 4, "\(codecs)")
        #expect(codecs.values.allSatisfy { $0 > 1 }, "\(codecs)")
    }
}
