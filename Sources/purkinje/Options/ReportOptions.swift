import CommandLineInterface
import Evaluation
import Workflows

/// What commands that end in a page about an evaluation have in common.
enum ReportOptions {
    static let report = Option(
        "report", .file, otherwise: "no page",
        help: "Writes one self-contained HTML page: verdict, tables, curves, maps.")
    static let coordinates = Flag(
        "coordinates", help: "Maps of the test records in the JSON, too: a place for each record.")
    static let perplexity = Option(
        "perplexity", .number(1...), default: StochasticNeighbourEmbedding.usualPerplexity,
        help: "How many neighbours t-SNE looks at; lowered where there are too few records.")
    static let mapRecords = Option(
        "map-records", .integer(0...), default: MapSettings.usualRecordLimit,
        help: "Records in a map, at most; of more, a sample is drawn. 0: no map.")
    static let clusterDimension = Option(
        "cluster-dimension", .count, default: ClusterProtocol.usualDimension,
        help: "Principal components to which the protocol clusters brings all models.")

    /// Refuses a page's place before the work.
    static func checkReport(_ given: Invocation) throws {
        let inputs =
            [given[EncoderOptions.data]] + [given[EncoderOptions.testData]].compactMap(\.self)
        try checkOutput(given[report], option: report.name, apartFrom: inputs.map { .file($0) })
    }

    /// Refuses options of maps that nobody would see.
    static func refuseIdle(_ given: Invocation) throws(CommandError) {
        if !given[.json] { try given.refuse([coordinates], "without --json") }
        if given[report] == nil, !given[coordinates] {
            try given.refuse([perplexity, mapRecords], "without --report or --coordinates")
        }
        if given[mapRecords] == 0 {
            try given.refuse([perplexity, coordinates], "with --map-records 0")
        }
    }

    /// How maps are made; `nil` where nobody would see them.
    static func map(_ given: Invocation) -> MapSettings? {
        guard given[mapRecords] > 0, given[report] != nil || given[coordinates] else { return nil }
        return MapSettings(perplexity: given[perplexity], recordLimit: given[mapRecords])
    }

    /// Prints an evaluation, and writes the page about it where one was asked for.
    static func write(_ result: EvaluatedModels, _ given: Invocation) throws {
        Output.write(result, asJSON: given[.json])
        guard let path = given[report] else { return }
        let page = try result.writePage(to: path, command: ["purkinje"] + Program.words)
        if !given[.json] { Output.write("\n" + page.text) }
    }
}
