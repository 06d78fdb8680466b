import Runtime
import Testing

@Suite struct TextLinesTests {
    private func lines(_ text: String) -> [String] {
        TextLines.split(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func linesEndAtLineFeedCarriageReturnAndBoth() {
        #expect(lines("a\nb\r\nc\rd") == ["a", "b", "c", "d"])
        #expect(lines("a\n\n\r\r\nb\n") == ["a", "", "", "", "b"])
        #expect(lines("") == [] && lines("\n") == [""] && lines("a\r") == ["a"])
    }

    @Test(arguments: ["\u{B}", "\u{C}", "\u{1C}", "\u{85}", "\u{2028}", "\u{2029}"])
    func nothingElseEndsALine(separator: String) {
        #expect(lines("a\(separator)b\nc") == ["a\(separator)b", "c"])
    }

    @Test func theMarkOfUTF8IsNoPartOfTheText() {
        #expect(lines("\u{FEFF}a\nb") == ["a", "b"])
        #expect(lines("a\n\u{FEFF}b") == ["a", "\u{FEFF}b"])
    }

    @Test func bytesThatAreNotUTF8AreWesternEuropean() {
        #expect(TextLines.decoded([0x62, 0x85, 0x20, 0xB5, 0x56]) == "b\u{2026} \u{B5}V")
        #expect(TextLines.decoded(Array("µV …".utf8)) == "µV …")
        #expect(TextLines.decoded([0x81]).unicodeScalars.map(\.value) == [0x81])
    }

    @Test func trimsWhateverIsWhite() {
        #expect(TextLines.trimmed(" \u{A0}V1\u{85}\u{C}\u{2028}") == "V1")
        #expect(TextLines.trimmed("\t \u{2029}") == "")
    }

    @Test func jsonMayBeginWithTheMark() throws {
        #expect(try JSONValue(parsing: [0xEF, 0xBB, 0xBF] + Array("{}".utf8)) == [:])
        #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: Array("\u{FEFF}\u{FEFF}{}".utf8))
        }
    }

    @Test func otherEncodingsAreNamed() {
        #expect(TextLines.problem([0xFF, 0xFE, 0x72, 0])?.contains("UTF-16") == true)
        #expect(TextLines.problem([0xFE, 0xFF])?.contains("UTF-16") == true)
        #expect(TextLines.problem([0xFF]) == nil && TextLines.problem([]) == nil)
        #expect { try JSONValue(parsing: [0xFF, 0xFE, 0x7B, 0]) } throws: {
            "\($0)".contains("UTF-16")
        }
    }

    @Test func cellsAreQuotedWhereTheyMust() {
        #expect(CommaSeparated.cell("a b") == "a b")
        #expect(CommaSeparated.cell("a,\"b\"") == "\"a,\"\"b\"\"\"")
        #expect(CommaSeparated.cell("a\r") == "\"a\r\"")
    }
}
