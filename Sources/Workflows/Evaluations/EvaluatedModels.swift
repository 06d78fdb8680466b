import CommandLineInterface
import Electrocardiography
import Evaluation
import EvaluationSchema
import Reporting
import Runtime

/// An evaluation of several models, to be printed and shown.
public struct EvaluatedModels: CommandResult {
    /// All that was measured.
    public let document: EvaluationDocument
    /// Those that the document names, the encoders first.
    public let models: [EvaluatedModel]
    private let tables: [[[String]]]
    private let records: [EvaluatedRecord]

    init(
        _ document: EvaluationDocument, models: [EvaluatedModel], tables: [[[String]]],
        on assessment: Assessment
    ) {
        (self.document, self.models, self.tables) = (document, models, tables)
        records = assessment.records.test
    }

    /// What `--json` prints.
    public var json: JSONValue { document.json }

    /// All tables.
    public var text: String { tables.map(Output.table).joined(separator: "\n\n") }

    /// Writes a self-contained page about it.
    ///
    /// - Parameters:
    ///   - path: The HTML file.
    ///   - command: What the user typed, to be shown.
    /// - Returns: What was written, to be printed.
    /// - Throws: `SystemError` where the file cannot be written.
    public func writePage(to path: FilePath, command: [String]) throws -> WrittenPage {
        let page = EvaluationReport(
            document, classes: LabelledRecords.classNames,
            pictures: models.map { ModelPictures($0, records: records) }, command: command)
        return try WrittenPage(page.html, to: path)
    }
}
