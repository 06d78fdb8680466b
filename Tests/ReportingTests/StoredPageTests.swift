import EvaluationSchema
import Runtime
import TestSupport
import Testing

@testable import Reporting

/// Pages of stored evaluations, in `Tests/Pages`: `NAME.json` is what a command printed, `NAME.html` the page of it.
@Suite struct StoredPageTests {
    private static let classes = ["CD", "HYP", "MI", "NORM", "STTC"]

    @Test(arguments: ["evaluation", "comparison"])
    func aStoredEvaluationGivesItsPage(_ name: String) throws {
        let path = FilePath("\(Fixtures.packageFolder)/Tests/Pages/\(name)")
        let page = EvaluationReport(
            try EvaluationDocument(path: path + ".json"), classes: Self.classes, pictures: [],
            command: ["purkinje", name]
        ).html.replacing("Purkinje \(Software.version)", with: "Purkinje VERSION")
        let stored = String(decoding: try (path + ".html").contents(), as: UTF8.self)
        let (lines, expected) = (page.split(separator: "<"), stored.split(separator: "<"))
        for (line, other) in zip(lines, expected) where line != other {
            Issue.record("\(name): <\(line) is not <\(other)")
            break
        }
        #expect(page == stored)
        #expect(try WellFormed.check(page) == [])
    }
}
