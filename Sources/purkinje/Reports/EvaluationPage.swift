import CommandLineInterface
import Evaluation
import EvaluationSchema
import Reporting
import Runtime
import Workflows

/// Writes the page about an evaluation, where one was asked for.
///
/// - Parameters:
///   - evaluation: What `--json` prints, and the page says.
///   - models: Those of the evaluation, under the names that they have there.
///   - records: The test records, in the order of the models' maps.
///   - given: What the user typed.
/// - Throws: `SystemError` where the file cannot be written.
func writePage(
    _ evaluation: EvaluationDocument, models: [EvaluatedModel], records: [EvaluatedRecord],
    given: Invocation
) throws {
    guard let path = given[ReportOptions.report] else { return }
    let page = EvaluationReport(
        evaluation, classes: LabelledRecords.classNames,
        pictures: models.map { ModelPictures($0, records: records) },
        command: ["purkinje"] + Program.words)
    let html = page.html
    try AtomicFile.write(html, to: path)
    if !given[.json] {
        Output.write("\n\(path): \(html.utf8.count / 1024) KiB, opens in any browser")
    }
}
