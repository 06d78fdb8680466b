import Runtime
import TestSupport
import Testing

@testable import Electrocardiography

@Suite struct DemographicsTests {
    static let ages: [(String, Float?)] = [
        ("56", 56), (" 56.5 ", 56.5), ("56Y", 56), ("056Y", 56), ("56 years", 56), ("56 yrs", 56),
        ("018M", 1.5), ("6 months", 0.5), ("0", 0), ("-0", 0), ("120", 120), ("300", 90),
        ("300.0", 90), ("300Y", 90), (">89", 90), ("> 89", 90), (">=90", 90), ("90+", 90),
        ("121", nil), ("299", nil), ("301", nil), ("1e9", nil), ("-1", nil), ("nan", nil),
        ("inf", nil), ("-inf", nil), ("", nil), (" ", nil), ("Unknown", nil), ("?", nil),
        ("56 M", nil), ("12,5", nil), ("0x38", nil), ("fifty", nil), (">40", nil), (">", nil),
        ("+", nil), ("999", nil),
    ]

    @Test(arguments: ages) func anAgeIsOneOrUnknown(text: String, age: Float?) {
        #expect(Demographics.ageYears(text) == age)
    }

    static let sexes: [(String, Sex?)] = [
        ("M", .male), ("m", .male), ("Male", .male), ("MALE", .male), (" male ", .male),
        ("0", .male), ("0.0", .male), ("F", .female), ("f", .female), ("Female", .female),
        ("1", .female), ("1.0", .female), ("Unknown", nil), ("", nil), ("2", nil), ("9", nil),
        ("-1", nil), ("nan", nil), ("O", nil), ("?", nil), ("woman", nil),
    ]

    @Test(arguments: sexes) func aSexIsOneOrUnknown(text: String, sex: Sex?) {
        #expect(Demographics.sex(text) == sex)
    }

    /// The same text in a header and in PTB-XL's table is the same age and sex.
    @Test func headersAndTablesHaveOneRule() throws {
        let folder = try TemporaryFolder()
        var table = "ecg_id,strat_fold,scp_codes,patient_id,age,sex,filename_lr,filename_hr\n"
        let texts = zip(Self.ages, (Self.sexes + Self.sexes)).map { ($0.0, $1.0) }
        for (number, (age, sex)) in texts.enumerated() {
            table += "\(number),1,{},,\"\(age)\",\(sex),,\n"
        }
        try folder.write(table, to: PTBXLDatabase.tableName.text)
        let rows = try PTBXLDatabase(folder: folder.path).rows
        #expect(rows.count == texts.count)
        for (row, (age, sex)) in zip(rows, texts) {
            let comments = HeaderComments(["Age: \(age)", "Sex: \(sex)"])
            #expect(comments.ageYears == row.ageYears, "'\(age)'")
            #expect(comments.sex == row.sex, "'\(sex)'")
        }
    }
}
