import Runtime
import Foundation
import TestSupport
import Testing

@testable import Electrocardiography

@Suite struct LabelTableTests {
    @Test func readsQuotesLineBreaksAndAByteOrderMark() throws {
        let text = "\u{FEFF}id,report,x\r\n1,\"a, \"\"b\"\"\nc\",9\r\n\r\n2,,\n"
        let table = try LabelTable(
            parsing: Array(text.utf8), path: "t", required: ["report", "id"], optional: ["none"])
        #expect(table.rows == [["a, \"b\"\nc", "1", ""], ["", "2", ""]])
    }

    @Test(arguments: [
        ("", "row 1"), ("a,b\n1,2", "column id"), ("id\n\"x", "row 2"), ("id,b\n1,2,3", "row 2"),
        ("id\n\"x\"y\n", "row 2"),
    ])
    func refusesBrokenTablesByPlace(text: String, field: String) {
        #expect {
            try LabelTable(parsing: Array(text.utf8), path: "t", required: ["id"])
        } throws: {
            ($0 as? SourceError)?.field == field
        }
    }

    @Test func readsPythonDictionaryLiterals() {
        let codes = PTBXLDatabase.codes("{'NORM': 100.0, \"SR\": 0, '1AVB' : 15.0 }")
        #expect(codes?.map(\.code) == ["NORM", "SR", "1AVB"])
        #expect(codes?.map(\.likelihood) == [100, 0, 15])
        #expect(PTBXLDatabase.codes("{}") == [])
        for broken in ["", "{", "[]", "{'A'}", "{'A': x}", "{'A: 1}", "{A: 1}", "{'A': nan}"] {
            #expect(PTBXLDatabase.codes(broken) == nil, "\(broken)")
        }
    }

    @Test func readsPatientsFromEveryStyleOfComment() {
        for comments in [
            ["Age: 84", "Sex: Male", "Dx: 164889003,59118001"],
            [" Age: 84", " Sex: M", " Dx: 164889003, 59118001"],
            [" <age>: 84  <sex>: M  <diagnoses>: (none)", "Dx: 164889003,59118001"],
        ] {
            let found = HeaderComments(comments)
            #expect(found.ageYears == 84 && found.sex == .male)
            #expect(found.codes.map(\.code) == ["164889003", "59118001"])
        }
        let unknown = HeaderComments(["Age: NaN", "Sex: Unknown", "Dx: "])
        #expect(unknown.ageYears == nil && unknown.sex == nil && unknown.codes.isEmpty)
    }

    @Test(.needsRecords)
    func countsTheSuperclassesOfTheWholeTable() throws {
        let database = try PTBXLDatabase(folder: FilePath(Fixtures.dataFolder + "/ptb-xl"))
        #expect(database.rows.count == 21837 || database.rows.count == 21799)
        guard database.rows.count == 21837 else { return }
        var counts: [Superclass: Int] = [:]
        var without = 0
        for row in database.rows {
            let members = database.superclasses(of: row.codes).members
            if members.isEmpty { without += 1 }
            for member in members { counts[member, default: 0] += 1 }
        }
        #expect(counts == [.norm: 9528, .mi: 5486, .sttc: 5250, .cd: 4907, .hyp: 2655])
        #expect(without == 407)
    }
}
