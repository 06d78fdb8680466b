import EvaluationSchema
import Foundation
import Runtime
import TestSupport
import Testing

@Suite struct EvaluationDocumentTests {
    private static func stored(_ name: String) throws -> JSONValue {
        let path = FilePath("\(Fixtures.packageFolder)/Tests/Pages/\(name).json")
        return try JSONValue(parsing: path.contents())
    }

    private static func error(_ json: JSONValue) -> String {
        do throws(SchemaError) {
            _ = try EvaluationDocument(json, file: "e.json")
            return "no error"
        } catch {
            return error.description
        }
    }

    /// A value with one that stands deeper in it changed; `nil` takes the member away.
    private static func changing(
        _ json: JSONValue, _ path: [String], to value: JSONValue?
    ) -> JSONValue {
        guard var members = json.objectValue, let key = path.first else { return json }
        members[key] =
            path.count == 1
            ? value
            : changing(members[key] ?? [:], Array(path.dropFirst()), to: value)
        return .object(members)
    }

    @Test(arguments: ["evaluation", "comparison"])
    func whatIsReadIsWrittenAgain(_ name: String) throws {
        // Stored by a version that wrote no number of a schema.
        let old = try Self.stored(name)
        #expect(old["schema"] == nil)
        let written = try EvaluationDocument(old, file: name).json
        #expect(written.text() == Self.changing(old, ["schema"], to: 1).text())
        let again = try EvaluationDocument(written, file: name)
        #expect(again.json.text() == written.text())
        #expect(again.isComparison == (name == "comparison"))
        #expect(again.runs.count == (name == "comparison" ? 2 : 1))
    }

    /// Members whose own members are named by data, such as classes, or by another schema.
    private static let named: Set = [
        "auroc", "auroc_interval", "average_precision", "f1", "support", "thresholds", "confusion",
        "controls", "labels", "parameters",
    ]

    /// Paths to members of objects whose names are the schema's.
    private static func paths(_ json: JSONValue) -> [[String]] {
        (json.objectValue ?? [:]).sorted { $0.key < $1.key }.flatMap { key, value in
            [[key]] + (named.contains(key) ? [] : paths(value).map { [key] + $0 })
        }.filter { $0 != ["finetune", "labels"] && $0 != ["runs"] }
    }

    @Test(arguments: ["evaluation", "comparison"])
    func everyMemberIsToldByItsName(_ name: String) throws {
        let json = try Self.stored(name)
        var needed = 0
        for path in Self.paths(json) {
            let key = "e.json: \(path.joined(separator: "."))"
            // What may be absent is read without it.
            let less = Self.error(Self.changing(json, path, to: nil))
            if less != "no error" {
                needed += 1
                #expect(less.hasPrefix("\(key) is missing"), "\(path): \(less)")
            }
            let other = Self.error(Self.changing(json, path, to: [[true]]))
            #expect(other.hasPrefix(key) && other.contains("has to be"), "\(path): \(other)")
            guard !Self.named.contains(path[path.count - 1]),
                Self.value(json, path)?.objectValue != nil
            else { continue }
            let more = Self.error(Self.changing(json, path + ["nobody"], to: 1))
            #expect(more.hasPrefix("\(key).nobody is not known"), "\(path): \(more)")
        }
        #expect(needed > (name == "evaluation" ? 100 : 10))
    }

    private static func value(_ json: JSONValue, _ path: [String]) -> JSONValue? {
        path.reduce(JSONValue?.some(json)) { $0?[$1] }
    }

    @Test func whatIsWrongIsNamed() throws {
        let json = try Self.stored("evaluation")
        #expect(
            Self.error(Self.changing(json, ["schema"], to: 2)).hasPrefix(
                "e.json: schema is 2, and this version reads 1; write it again"))
        #expect(Self.error(Self.changing(json, ["schema"], to: "1")).contains("schema is \"1\""))
        #expect(
            Self.error(Self.changing(json, ["linear", "test", "records"], to: nil)).hasPrefix(
                "e.json: linear.test.records is missing"))
        #expect(
            Self.error(Self.changing(json, ["linear", "test", "records"], to: "many")).hasPrefix(
                "e.json: linear.test.records is \"many\", but has to be a whole number"))
        #expect(
            Self.error(Self.changing(json, ["dimensoin"], to: 4))
                == "e.json: dimensoin is not known; the nearest known key is 'dimension'")
        #expect(
            Self.error(Self.changing(json, ["linear", "test", "f1_macro_interval"], to: nil))
                .hasPrefix("e.json: linear.test.f1_macro_interval is missing"))
        #expect(
            Self.error(Self.changing(json, ["linear", "test", "f1_macro_interval"], to: [1]))
                .hasPrefix(
                    "e.json: linear.test.f1_macro_interval is a list, but has to be two numbers"))
        #expect(
            Self.error(
                Self.changing(json, ["controls", "random", "encoder_less_control", "x"], to: nil))
                == "no error")
        #expect(
            Self.error(
                Self.changing(
                    json, ["controls", "random", "encoder_less_control", "linear_f2_macro"],
                    to: .null)
            ).contains("the nearest known key is 'linear_f1_macro'"))
        #expect(
            Self.error(Self.changing(json, ["crops"], to: "left")).contains("'method' or 'centre'"))
        #expect(Self.error([1]).hasPrefix("e.json: the content is a list, but has to be an object"))
        #expect(Self.error([:]).contains("readout is missing"))
    }

    @Test func aFileThatIsNoJSONIsNamed() throws {
        let folder = FilePath(FileManager.default.temporaryDirectory.path + "/schema-\(UUID())")
        try folder.makeFolders()
        defer { try? FileManager.default.removeItem(atPath: folder.text) }
        let path = folder + "/half.json"
        try AtomicFile.write("{\"schema\": 1, ", to: path)
        #expect {
            _ = try EvaluationDocument(path: path)
        } throws: { error in
            "\(error)".hasPrefix("\(path) is no JSON: ")
        }
    }

    @Test func namesOfControlsAreKnownByTheirKind() {
        #expect(Control(name: "random") == .random)
        #expect(Control(name: Control.randomName(2, method: "st-mem")) == .random)
        #expect(Control.randomName(2, method: "st-mem") == "random st-mem 2")
        #expect(Control(name: "with_parameters") == .withParameters)
        #expect(Control(name: "nobody") == nil)
    }
}
