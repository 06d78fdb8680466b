import Checkpoints
import CommandLineInterface
import Evaluation
import LinearAlgebra
import Reporting
import Runtime
import Statistics

/// How vectors are brought into a plane.
private enum MapMethod: String, CaseIterable {
    case pca
    case tsne
}

private let file = Argument(
    "FILE", .file,
    help: "A safetensors file as 'purkinje embed' writes it, or with features [records, numbers].")
private let svg = Option("svg", .file, otherwise: "no drawing", help: "The SVG file to write.")
private let method = Option(
    "method", .oneOf(MapMethod.self), default: .tsne,
    help: "pca: the directions in which records differ most; tsne: neighbours stay neighbours.")
private let perplexity = Option(
    "perplexity", .number(1...), default: StochasticNeighbourEmbedding.usualPerplexity,
    help: "How many neighbours t-SNE looks at, at most a third of the other records.")
private let limit = Option(
    "records", .count, default: MapSettings.usualRecordLimit,
    help: "Records to place, at most; of more, a sample is drawn from the seed.")
private let labelled = Flag("labelled", help: "Only records with a label.")
private let seed = Option("seed", .seed, default: 0, help: "What a sample is drawn from.")

/// Draws vectors in a plane.
let mapCommand = Command(
    "map",
    summary: "places the vectors of records in a plane, by principal components or t-SNE",
    discussion: """
        Colours and shapes are the classes of the tensor labels, where there is one: [records, classes] of 0 and 1, or \
        [records] of class numbers. Names of records and classes are taken from the file's metadata; hovering over a mark \
        shows them. Both methods are exact, and equal inputs give equal places. t-SNE looks at all pairs of records a \
        thousand times, and keeps a number for each pair: 3,000 records take seconds, 17,000 would take minutes and \
        2.3 GB, so a sample is placed where there are more than --records, and the output says so.
        """,
    parameters: [
        file, svg, method, perplexity, limit, labelled, seed, ReportOptions.coordinates, Flag.json,
    ],
    example: "purkinje map embeddings.safetensors --svg map.svg"
) { given in
    if given[method] == .pca { try given.refuse([perplexity], "with --method pca") }
    if !given[.json] { try given.refuse([ReportOptions.coordinates], "without --json") }
    try checkOutput(given[svg], option: svg.name, apartFrom: [.file(given[file])])
    let vectors = try LabelledVectors(given[file])
    let kept = vectors.groups.indices.filter { !given[labelled] || vectors.groups[$0] != nil }
    guard !kept.isEmpty || !given[labelled] else {
        throw CommandError(
            .usage, "--labelled: no record of \(given[file]) has a label; leave it out")
    }
    guard !kept.isEmpty else { throw MetricError.empty(what: given[file].text) }
    let rows = RecordMap.sample(given[limit], of: kept.count, seed: given[seed]).map { kept[$0] }
    MatrixProduct.useOneThread()
    let features = vectors.features.selecting(rows: rows)
    var result: [String: JSONValue] = [
        "records": .integer(Int64(rows.count)),
        "all_records": .integer(Int64(vectors.features.rows)),
        "method": .string(given[method].rawValue),
    ]
    let places: Matrix
    switch given[method] {
    case .pca:
        let components = try PrincipalComponents(fittedTo: features, count: 2)
        places = components(features).widened(to: 2)
        result["variances"] = .array(components.variances.map { .number($0) })
        result["variance"] = .number(components.totalVariance)
    case .tsne:
        let embedding = try StochasticNeighbourEmbedding(
            features, perplexity: given[perplexity], seed: given[seed])
        places = embedding.places
        result["divergence"] = .number(embedding.divergence)
        result["perplexity"] = .number(embedding.perplexity)
    }
    if let path = given[svg] {
        let chart = ScatterChart(
            title: "\(given[file]) by \(given[method].rawValue)", groups: vectors.groupNames,
            points: rows.enumerated().map { place, row in
                .init(
                    x: places[place, 0], y: places[place, 1],
                    group: vectors.groups[row], label: vectors.names[row])
            })
        try AtomicFile.write(chart.file, to: path)
        result["svg"] = .string(path.text)
    }
    if given[ReportOptions.coordinates] {
        result["rows"] = .array(rows.map { .integer(Int64($0)) })
        result["places"] = .array(
            (0..<places.rows).map { [.number(places[$0, 0]), .number(places[$0, 1])] })
    }
    if given[.json] {
        Output.write(.object(result))
    } else {
        Output.write(
            "\(given[svg] ?? given[file]): \(rows.count) of \(vectors.features.rows) records by "
                + given[method].rawValue)
    }
    return .success
}

/// Vectors of a file with what it says of their records.
private struct LabelledVectors {
    let features: Matrix
    /// What hovering shows of each record.
    let names: [String]
    /// The classes, and `several`.
    let groupNames: [String]
    /// Each record's group; `nil` for one without a label.
    let groups: [Int?]

    init(_ path: FilePath) throws {
        let file = try SafetensorsFile(path: path)
        let own = file.names.contains("embeddings") ? "embeddings" : "features"
        guard file.names.contains(own) else {
            throw CommandError(
                .usage,
                "\(path) has neither a tensor embeddings nor features; 'purkinje embed' writes such a file"
            )
        }
        let features = Matrix(try file.tensor(own))
        func list(_ key: String) -> [String]? {
            guard let text = file.metadata[key], let value = try? JSONValue(parsing: text.utf8)
            else { return nil }
            return value.arrayValue?.compactMap(\.stringValue)
        }
        var classes = Array(repeating: [Int](), count: features.rows)
        var count = 0
        if file.names.contains("labels") {
            let labels = Matrix(try file.tensor("labels"))
            guard labels.rows == features.rows else {
                throw MetricError.countsDiffer(
                    what: "labels", counts: [features.rows, labels.rows])
            }
            let isMatrix = try file.tensor("labels").shape.count > 1
            classes = (0..<labels.rows).map { row in
                isMatrix
                    ? (0..<labels.columns).filter { labels[row, $0] == 1 }
                    : [Int(exactly: labels[row, 0])].compactMap { $0 }
            }
            count = isMatrix ? labels.columns : (classes.joined().max() ?? -1) + 1
        }
        guard classes.allSatisfy({ $0.allSatisfy { $0 >= 0 } }) else {
            throw CommandError(.usage, "\(path): labels has a number below 0")
        }
        let given = list("classes") ?? []
        let classNames = (0..<count).map { $0 < given.count ? given[$0] : "class \($0)" }
        groupNames = classNames + ["several"]
        groups = classes.map { $0.count > 1 ? count : $0.first }
        let records = list("records") ?? []
        names = classes.enumerated().map { row, members in
            let name = row < records.count ? records[row] : "\(row)"
            let labels = members.map { classNames[$0] }.joined(separator: " + ")
            return "record \(name): \(labels.isEmpty ? "no label" : labels)"
        }
        self.features = features
    }
}
