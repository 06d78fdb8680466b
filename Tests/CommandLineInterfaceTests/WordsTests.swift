import Runtime
import Testing

@testable import CommandLineInterface

/// What one program types for another is what that one reads.
@Suite struct WordsTests {
    private func again<Value: Sendable & Equatable>(
        _ option: Option<Value>, _ value: Value
    ) throws -> Value {
        let words = option.words(value)
        #expect(words.indices.allSatisfy { $0 % 2 == 1 || words[$0] == "--\(option.name)" })
        let texts = words.indices.filter { $0 % 2 == 1 }.map { words[$0] }
        return try option.resolve(texts)
    }

    @Test func everyKindOfValueIsReadAsItWasTyped() throws {
        for text in ["plain", "two words", "ä", #"\xE4"#, #"a\b"#, "-1", "a=b"] {
            let option = Option(required: "o", ValueKind.text, help: "")
            #expect(try again(option, text) == text)
        }
        for path in ["a/b", FilePath(bytes: [0x61, 0xFF, 0x20]), #"a\b"#] as [FilePath] {
            #expect(try again(Option(required: "o", ValueKind.file, help: ""), path) == path)
            #expect(try again(Option(required: "o", ValueKind.directory, help: ""), path) == path)
        }
        for value in [1, 1023, 1024, 3 << 20] {
            #expect(
                try again(Option("o", ValueKind<Int>.bytes, default: 1, help: ""), value) == value)
        }
        for value in [Duration.milliseconds(1), .seconds(1), .milliseconds(61_500)] {
            let option = Option("o", ValueKind<Duration>.duration, default: .zero, help: "")
            #expect(try again(option, value) == value)
        }
        let seed = Option("o", ValueKind<UInt64>.seed, default: 0, help: "")
        #expect(try again(seed, .max) == .max)
        let number = Option("o", ValueKind<Double>.positive, default: 1, help: "")
        #expect(try again(number, 1e-7) == 1e-7)
    }

    @Test func whatIsNotThereIsNotTyped() throws {
        let optional: Option<Int?> = Option("o", ValueKind<Int>.count, help: "")
        #expect(optional.words(nil).isEmpty)
        #expect(try again(optional, 3) == 3)
        let repeated: Option<[String]> = Option(repeated: "o", ValueKind.text, help: "")
        #expect(repeated.words([]).isEmpty)
        #expect(try again(repeated, ["a", "b c"]) == ["a", "b c"])
        #expect(Flag("f", help: "").words(true) == ["--f"])
        #expect(Flag("f", help: "").words(false).isEmpty)
    }
}
