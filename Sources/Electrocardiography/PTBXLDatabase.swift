import Foundation
import Runtime

/// The label tables of PTB-XL: `ptbxl_database.csv` and `scp_statements.csv`.
struct PTBXLDatabase: Sendable {
    static let tableName: FilePath = "ptbxl_database.csv"
    static let statementsName: FilePath = "scp_statements.csv"

    /// One row of the label table.
    struct Row: Sendable {
        var id: Int
        var patient: String?
        var ageYears: Float?
        var sex: Sex?
        var fold: Int
        var lowRatePath: FilePath
        var highRatePath: FilePath
        var codes: [DiagnosticCode]
    }

    /// The rows by ascending number.
    let rows: [Row]
    /// Superclass names of the diagnostic codes; `nil` where the folder has no table of statements.
    let superclassNames: [String: String]?
    private let places: [Int: Int]

    /// Reads the tables of a folder.
    init(folder: FilePath) throws(SourceError) {
        let path = folder.appending(Self.tableName)
        let table = try LabelTable(
            reading: path, required: ["ecg_id", "strat_fold", "scp_codes"],
            optional: ["patient_id", "age", "sex", "filename_lr", "filename_hr"])
        var rows: [Row] = []
        rows.reserveCapacity(table.rows.count)
        for (number, cells) in table.rows.enumerated() {
            rows.append(try Self.row(cells, path: path, number: number + 2))
        }
        rows.sort { $0.id < $1.id }
        self.rows = rows
        places = Dictionary(rows.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { a, _ in a })
        guard places.count == rows.count else {
            throw SourceError(
                file: path, field: "column ecg_id", problem: "a number occurs more than once")
        }
        superclassNames = try Self.statements(folder: folder)
    }

    /// The row of a record's number.
    subscript(id: Int) -> Row? { places[id].map { rows[$0] } }

    /// The superclasses of all diagnostic codes, whatever their likelihood: 0 means unknown, not absent.
    func superclasses(of codes: [DiagnosticCode]) -> Superclasses {
        var classes = Superclasses()
        for code in codes {
            if let name = superclassNames?[code.code], let found = Superclass(name: name) {
                classes.insert(Superclasses(found))
            }
        }
        return classes
    }

    private static func row(
        _ cells: [String], path: FilePath, number: Int
    ) throws(SourceError) -> Row {
        func refuse(_ column: String, _ problem: String) -> SourceError {
            SourceError(file: path, field: "row \(number), column \(column)", problem: problem)
        }
        guard let id = Double(cells[0]).flatMap({ Int(exactly: $0) }), id >= 0 else {
            throw refuse(
                "ecg_id", "'\(cells[0])' is not a whole number from 0 on; correct the cell")
        }
        guard let fold = Double(cells[1]).flatMap({ Int(exactly: $0) }), (1...10).contains(fold)
        else {
            throw refuse("strat_fold", "'\(cells[1])' is not a fold from 1 to 10; correct the cell")
        }
        let codes: [DiagnosticCode]
        do throws(CodeProblem) {
            codes = try Self.codes(cells[2])
        } catch {
            throw refuse("scp_codes", "'\(cells[2])': \(error.text)")
        }
        let patient = Double(cells[3]).flatMap { Int(exactly: $0) }.map(String.init) ?? cells[3]
        return Row(
            id: id, patient: patient.isEmpty ? nil : "ptb-xl:" + patient,
            ageYears: Demographics.ageYears(cells[4]), sex: Demographics.sex(cells[5]),
            fold: fold, lowRatePath: FilePath(cells[6]), highRatePath: FilePath(cells[7]),
            codes: codes)
    }

    /// Why a cell of codes is refused, with the remedy.
    struct CodeProblem: Error, Equatable {
        var text: String

        static let notADictionary = CodeProblem(
            text:
                "this is no dictionary of codes and likelihoods; write it as {'NORM': 100.0, 'SR': 0.0}, or {} "
                + "for none")
    }

    /// Reads a Python dictionary literal such as `{'NORM': 100.0, 'SR': 0.0}`.
    ///
    /// Likelihoods are per cent from 0, which means unknown, to 100.
    static func codes(_ literal: String) throws(CodeProblem) -> [DiagnosticCode] {
        let text = literal.trimmingCharacters(in: .whitespaces)
        guard text.first == "{", text.last == "}", text.count >= 2 else { throw .notADictionary }
        var codes: [DiagnosticCode] = []
        var rest = text.dropFirst().dropLast()[...]
        func skipBlanks() { rest = rest.drop(while: \.isWhitespace) }
        skipBlanks()
        while !rest.isEmpty {
            guard let quote = rest.first, quote == "'" || quote == "\"" else {
                throw .notADictionary
            }
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: quote) else { throw .notADictionary }
            let code = String(rest[..<end])
            guard !code.isEmpty else {
                throw CodeProblem(text: "a code is empty; name it, or take it out")
            }
            rest = rest[rest.index(after: end)...]
            skipBlanks()
            guard rest.first == ":" else { throw .notADictionary }
            let number = rest.dropFirst().prefix { $0 != "," }
            let value = number.trimmingCharacters(in: .whitespaces)
            guard let likelihood = Float(value), (0...100).contains(likelihood) else {
                throw CodeProblem(
                    text:
                        "the likelihood of \(code) is \(value.isEmpty ? "missing" : value), which is no number "
                        + "from 0 (unknown) to 100; correct it, or take the code out")
            }
            codes.append(DiagnosticCode(code: code, likelihood: likelihood))
            rest = rest.dropFirst().dropFirst(number.count).dropFirst()
            skipBlanks()
        }
        return codes
    }

    private static func statements(folder: FilePath) throws(SourceError) -> [String: String]? {
        let path = folder.appending(statementsName)
        guard path.exists else { return nil }
        // The column of the codes has no name.
        let table = try LabelTable(reading: path, required: ["", "diagnostic", "diagnostic_class"])
        var names: [String: String] = [:]
        for cells in table.rows where Double(cells[1]) == 1 && !cells[2].isEmpty {
            names[cells[0]] = cells[2]
        }
        return names
    }
}
