import Runtime
import Testing

@Suite struct JSONParserTests {
    @Test func readsEveryKindOfValue() throws {
        let text = #"""
            {"a": [1, -2.5, 1e3, 0, -0.0], "b": {"c": null, "d": true, "e": false},
             "f": "q\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é", "g": 9223372036854775807, "h": 9223372036854775808}
            """#
        let value = try JSONValue(parsing: text.utf8)
        #expect(value["a"] == [1, -2.5, .number(1000), 0, .number(-0.0)])
        #expect(value["b"] == ["c": nil, "d": true, "e": false])
        #expect(value["f"] == "q\"\\/\u{8}\u{C}\n\r\t\u{e9}\u{1F600}\u{e9}")
        #expect(value["g"] == .integer(.max))
        #expect(value["h"] == .number(0x1p63))
    }

    @Test func writesWhatItReads() throws {
        let value: JSONValue = [
            "b": [1, 2.5, nil, true, "a/b\"\n"], "a": ["x": [], "y": [:]], "c": 1e-9,
        ]
        #expect(try JSONValue(parsing: value.text().utf8) == value)
        #expect(try JSONValue(parsing: value.text(pretty: true).utf8) == value)
    }

    @Test(arguments: [
        "", " ", "{", "[1,", "[1 2]", "{\"a\"}", "{\"a\":1,}", "[1,]", "01", "1.", ".5", "1e", "+1",
        "nul", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\n\"", "1 2", "{a: 1}", "1e999",
        "NaN",
        "{\"a\": 1, \"a\": 2}", String(repeating: "[", count: 100),
    ])
    func refusesWhatIsNotJSON(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text.utf8) }
    }

    @Test func namesLineAndColumn() {
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: "{\n  \"a\": 1,\n  \"a\": 2\n}".utf8)
        }
        #expect(error?.description == "line 3, column 3: the key \"a\" comes twice")
    }

    @Test func refusesInvalidUTF8() {
        #expect(throws: JSONSyntaxError.self) {
            try JSONValue(parsing: [UInt8(ascii: "\""), 0xFF, UInt8(ascii: "\"")])
        }
    }
}
