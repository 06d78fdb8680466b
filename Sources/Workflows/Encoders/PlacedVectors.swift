import CommandLineInterface
import Evaluation
import LinearAlgebra
import Reporting
import Runtime
import Statistics

/// Vectors of records in a plane.
public struct PlacedVectors {
    /// How vectors are brought into a plane.
    public enum Method: String, CaseIterable, Sendable {
        /// The directions in which records differ most.
        case pca
        /// Neighbours stay neighbours.
        case tsne
    }

    /// What is placed, and how.
    public struct Settings: Sendable {
        /// How vectors are brought into a plane.
        public var method: Method
        /// How many neighbours t-SNE looks at.
        public var perplexity: Double
        /// Records to place, at most.
        public var limit: Int
        /// Whether records without a label are left out.
        public var labelledOnly: Bool
        /// What a sample is drawn from.
        public var seed: UInt64

        /// Settings by name.
        public init(
            method: Method, perplexity: Double, limit: Int, labelledOnly: Bool, seed: UInt64
        ) {
            (self.method, self.perplexity, self.limit) = (method, perplexity, limit)
            (self.labelledOnly, self.seed) = (labelledOnly, seed)
        }
    }

    private let file: FilePath
    private let method: Method
    private let vectors: LabelledVectors
    private let rows: [Int]
    private let places: Matrix
    /// What the method says of itself.
    private let figures: [String: JSONValue]

    /// Places the vectors of a file.
    ///
    /// - Parameters:
    ///   - file: A safetensors file with embeddings or features.
    ///   - settings: Which of them, and how.
    /// - Throws: `CommandError` for a file without such tensors, `MetricError`, `SafetensorsError`.
    public init(_ file: FilePath, _ settings: Settings) throws {
        (self.file, method) = (file, settings.method)
        vectors = try LabelledVectors(file)
        let groups = vectors.groups
        let kept = groups.indices.filter { !settings.labelledOnly || groups[$0] != nil }
        guard !kept.isEmpty || !settings.labelledOnly else {
            throw CommandError(
                .usage, "--labelled: no record of \(file) has a label; leave it out")
        }
        guard !kept.isEmpty else { throw MetricError.empty(what: file.text) }
        rows = RecordMap.sample(settings.limit, of: kept.count, seed: settings.seed).map {
            kept[$0]
        }
        MatrixProduct.useOneThread()
        let features = vectors.features.selecting(rows: rows)
        switch settings.method {
        case .pca:
            let components = try PrincipalComponents(fittedTo: features, count: 2)
            places = components(features).widened(to: 2)
            figures = [
                "variances": .array(components.variances.map { .number($0) }),
                "variance": .number(components.totalVariance),
            ]
        case .tsne:
            let embedding = try StochasticNeighbourEmbedding(
                features, perplexity: settings.perplexity, seed: settings.seed)
            places = embedding.places
            figures = [
                "divergence": .number(embedding.divergence),
                "perplexity": .number(embedding.perplexity),
            ]
        }
    }

    /// The plane, drawn; colours and shapes are classes.
    public var svg: String {
        ScatterChart(
            title: "\(file) by \(method.rawValue)", groups: vectors.groupNames,
            points: rows.enumerated().map { place, row in
                .init(
                    x: places[place, 0], y: places[place, 1], group: vectors.groups[row],
                    label: vectors.names[row])
            }
        ).file
    }

    /// What was placed, to be printed.
    ///
    /// - Parameters:
    ///   - svg: Where the drawing is.
    ///   - hasPlaces: Whether the places are written.
    /// - Returns: What `--json` and text print.
    public func result(svg: FilePath?, hasPlaces: Bool) -> some CommandResult {
        Placed(vectors: self, svg: svg, hasPlaces: hasPlaces)
    }

    private struct Placed: CommandResult {
        let vectors: PlacedVectors
        let svg: FilePath?
        let hasPlaces: Bool

        var json: JSONValue {
            var members = vectors.figures
            members["records"] = .integer(Int64(vectors.rows.count))
            members["all_records"] = .integer(Int64(vectors.vectors.features.rows))
            members["method"] = .string(vectors.method.rawValue)
            if let svg { members["svg"] = .string(svg.text) }
            if hasPlaces {
                let places = vectors.places
                members["rows"] = .array(vectors.rows.map { .integer(Int64($0)) })
                members["places"] = .array(
                    (0..<places.rows).map { [.number(places[$0, 0]), .number(places[$0, 1])] })
            }
            return .object(members)
        }

        var text: String {
            "\(svg ?? vectors.file): \(vectors.rows.count) of \(vectors.vectors.features.rows) "
                + "records by \(vectors.method.rawValue)"
        }
    }
}
