import CommandLineInterface
import Evaluation
import Runtime
import Workflows

private let file = Argument(
    "FILE", .file,
    help: "A safetensors file as 'purkinje embed' writes it, or with features [records, numbers].")
private let svg = Option("svg", .file, otherwise: "no drawing", help: "The SVG file to write.")
private let method = Option(
    "method", .oneOf(PlacedVectors.Method.self), default: .tsne,
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
    let placed = try PlacedVectors(
        given[file],
        .init(
            method: given[method], perplexity: given[perplexity], limit: given[limit],
            labelledOnly: given[labelled], seed: given[seed]))
    if let path = given[svg] { try AtomicFile.write(placed.svg, to: path) }
    let result = placed.result(svg: given[svg], hasPlaces: given[ReportOptions.coordinates])
    Output.write(result, asJSON: given[.json])
    return .success
}
