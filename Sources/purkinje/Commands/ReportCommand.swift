import CommandLineInterface
import Electrocardiography
import Foundation
import Reporting
import Runs
import Runtime

private let run = Argument("DIR", .directory, help: "The run directory.")
private let output = Option(required: "out", .file, help: "The HTML file to write.")
private let data = Option(
    "data", .file, otherwise: "the data set that the run names",
    help: "The prepared data set, for drawings of records.")
private let records = Option(
    "records", .integer(0...20), default: 2, help: "Records of the validation fold to draw.")

/// Writes one self-contained page about a run.
let reportCommand = Command(
    "report",
    summary: "writes one self-contained HTML page about a run",
    discussion: """
        Curves, throughput, workers and faults over time, settings, and the commands to do it again; for st-mem \
        reconstructions of records, too. The page needs no network, follows the reader's light or dark theme, and \
        prints. It can be made while the run goes on.
        """,
    parameters: [run, output, data, records, Flag.json],
    example: "purkinje report runs/first --out first.html"
) { given in
    let directory = RunDirectory(path: given[run])
    let pictures = try reconstructions(of: directory, data: given[data], count: given[records])
    let html = try RunReport(directory, pictures: pictures).html
    try AtomicFile.write(html, to: given[output])
    if given[Flag.json] {
        Output.write(["file": .string(given[output]), "bytes": .integer(Int64(html.utf8.count))])
    } else {
        Output.write("\(given[output]): \(html.utf8.count / 1024) KiB, opens in any browser")
    }
    return .success
}

/// Drawings of records with what the model makes of them, where the method can and the data set is there.
private func reconstructions(
    of directory: RunDirectory, data: String?, count: Int
) throws -> [ReportPage.Section] {
    let record = try directory.read()
    guard count > 0, case .stMEM = record.configuration.details else { return [] }
    guard let path = data ?? record.dataPath, FileManager.default.fileExists(atPath: path) else {
        Log().warning(
            "the data set is not where the run says; name it with --data for drawings of records")
        return []
    }
    let dataset = try PreparedDataset(path: path)
    let fold = record.configuration.data.validationFold
    let windows = (0..<dataset.windowCount).filter { dataset.window($0).record.fold == fold }
    guard !windows.isEmpty else { return [] }
    let reconstructor = try Reconstructor(run: directory)
    let figures = try windows.prefix(count).map { window in
        let picture = try reconstructor.picture(of: window, in: dataset, seed: 0)
        return "<figure class=\"paper\">\(picture.svg)</figure>"
    }
    return [
        .init(
            title: "Reconstructions",
            body:
                "<p>Records of the validation fold; what the model did not see is drawn as it fills it in.</p>"
                + figures.joined())
    ]
}
