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

    @Test(arguments: [
        ("id;a;b\n1;2;3", "semicolons"), ("id\ta\n1\t2", "tabs"), ("id|a\n1|2", "bars"),
        ("id;a,b;c,d;e;f\n", "semicolons"), ("id,a,b\n1;2;3\n", "semicolons"),
    ])
    func namesTheSeparatorsOfOtherTables(text: String, name: String) {
        #expect {
            try LabelTable(parsing: Array(text.utf8), path: "t", required: ["id"])
        } throws: {
            let problem = ($0 as? SourceError)?.problem ?? ""
            return problem.contains("separated by \(name), not by commas; save the table")
        }
    }

    @Test(arguments: [
        ("{'NORM': 'a'}", "the likelihood of NORM is 'a'"), ("{'NORM': -1}", "NORM is -1"),
        ("{'SR': 0.0, 'NORM': 100.5}", "NORM is 100.5"), ("{'NORM': }", "NORM is missing"),
        ("{'NORM': inf}", "NORM is inf"), ("{'': 100.0}", "a code is empty"),
        ("NORM", "no dictionary"), ("{'NORM': 50,0}", "no dictionary"),
    ])
    func saysWhatIsWrongWithCodes(literal: String, problem: String) {
        #expect {
            try PTBXLDatabase.codes(literal)
        } throws: {
            ($0 as? PTBXLDatabase.CodeProblem)?.text.contains(problem) == true
        }
    }

    @Test func aBrokenCellIsNamedByTableRowAndColumn() throws {
        let folder = FilePath.temporary.appending("purkinje-table-\(UUID().uuidString)")
        try folder.makeFolders()
        defer { try? folder.removeAll() }
        let path = folder.appending(PTBXLDatabase.tableName)
        let text = "ecg_id,strat_fold,scp_codes\n1,1,{'SR': 0.0}\n2,1,{'NORM': 101}\n"
        try AtomicFile.write(text, to: path)
        #expect {
            try PTBXLDatabase(folder: folder)
        } throws: {
            let error = $0 as? SourceError
            return error?.file == path && error?.field == "row 3, column scp_codes"
                && error?.problem.hasPrefix("'{'NORM': 101}': the likelihood of NORM is 101")
                    == true
        }
    }

    @Test func readsPythonDictionaryLiterals() throws {
        let codes: [DiagnosticCode]? = try PTBXLDatabase.codes(
            "{'NORM': 100.0, \"SR\": 0, '1AVB' : 15.0 }")
        #expect(codes?.map(\.code) == ["NORM", "SR", "1AVB"])
        #expect(codes?.map(\.likelihood) == [100, 0, 15])
        #expect(try PTBXLDatabase.codes("{}") == [])
        for broken in ["", "{", "[]", "{'A'}", "{'A': x}", "{'A: 1}", "{A: 1}", "{'A': nan}"] {
            #expect(throws: PTBXLDatabase.CodeProblem.self, "\(broken)") {
                try PTBXLDatabase.codes(broken)
            }
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
