import Runtime
import TestSupport
import Testing

@testable import Reporting

@Suite struct EvaluationReportTests {
    private static let classes = ["CD", "MI", "NORM"]

    private static func byClass(_ value: (Int) -> JSONValue) -> JSONValue {
        .object(Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, value($0)) }))
    }

    /// What `evaluate` prints of vectors, in short.
    private static func results(auroc: Double, dimension: Int = 192) -> [String: JSONValue] {
        let test: JSONValue = [
            "records": 173, "auroc_macro": .number(auroc),
            "auroc_macro_interval": [.number(auroc - 0.05), .number(auroc + 0.05)],
            "auroc": byClass { .number(auroc - 0.01 * Double($0)) },
            "auroc_interval": byClass { _ in [.number(auroc - 0.08), .number(auroc + 0.04)] },
            "average_precision": byClass { _ in 0.5 }, "f1": byClass { _ in 0.4 },
            "thresholds": byClass { _ in 0.3 }, "support": byClass { .integer(Int64(30 + $0)) },
            "f1_macro": 0.51, "f1_macro_at_half": 0.47, "average_precision_macro": 0.5,
        ]
        let single: JSONValue = [
            "auroc_macro": .number(auroc), "f1_macro": 0.3,
            "confusion": byClass { row in byClass { $0 == row ? 20 : 3 } },
        ]
        let space: JSONValue = [
            "records": 143, "davies_bouldin": 4.4, "silhouette": -0.04, "calinski_harabasz": 4.39,
            "calinski_harabasz_per_record": 0.0318, "adjusted_rand": 0.07,
        ]
        return [
            "dimension": .integer(Int64(dimension)),
            "linear": ["test": test, "single_label": ["test": single]],
            "knn": ["test": ["auroc_macro": 0.66, "f1_weighted": 0.59, "auroc_weighted": 0.7]],
            "clusters": [
                "test": space,
                "equal_dimension": ["dimension": 9, "wanted_dimension": 9, "test": space],
            ],
        ]
    }

    private static func less(_ difference: Double, _ lower: Double, _ upper: Double) -> JSONValue {
        [
            "linear_auroc_macro": [
                "difference": .number(difference), "interval": [.number(lower), .number(upper)],
                "p_value": 0.004,
            ]
        ]
    }

    private static let about: [String: JSONValue] = [
        "readout": "mean", "crops": "method", "seed": "0", "data_sha256": "ab12",
        "test_data_sha256": .null,
        "labels": ["minimum_likelihood": .null, "drops_unknown": false],
        "records": ["training": 1045, "validation": 165, "test": 173, "external": 0],
    ]

    private static let run: [String: JSONValue] = [
        "run": "runs/<first>", "method": "st-mem", "step": 2800, "state_sha256": "cd34",
        "pretraining_data_sha256": "ef56",
    ]

    private static func evaluation(
        _ differences: [String: JSONValue], further: [String: JSONValue] = [:]
    ) -> JSONValue {
        var members = results(auroc: 0.813).merging(about) { a, _ in a }
            .merging(run) { a, _ in a }.merging(further) { a, _ in a }
        members["controls"] = .object(
            differences.mapValues { difference in
                var control = results(auroc: 0.757)
                control["encoder_less_control"] = difference
                return .object(control)
            })
        return .object(members)
    }

    private static var pictures: ContenderPictures {
        let chart = ScatterChart(
            title: "t-SNE", groups: classes + ["several"],
            points: (0..<40).map {
                .init(x: Double($0 % 7), y: Double($0 % 5), group: $0 % 4, label: "record <\($0)>")
            })
        return ContenderPictures(
            name: "encoder",
            curves: classes.map {
                .init(className: $0, points: [(0, 0), (0.1, 0.6), (0.5, 0.9), (1, 1)])
            }, maps: [.init(title: "t-SNE, perplexity 30", chart: chart)])
    }

    private static func page(_ evaluation: JSONValue) -> String {
        EvaluationReport(
            evaluation, classes: classes, pictures: [pictures],
            command: ["purkinje", "evaluate", "--run", "runs/it's first", "--report", "f.html"]
        ).html
    }

    private static func headline(_ differences: [String: JSONValue]) -> String {
        Verdict(ReportedContender.all(of: evaluation(differences))).headline
    }

    @Test func verdictsSayWhatIntervalsAllow() {
        let (up, down, open) = (
            Self.less(0.06, 0.02, 0.09), Self.less(-0.06, -0.1, -0.01), Self.less(0.01, -0.02, 0.04)
        )
        #expect(
            Self.headline(["random": up, "statistics": up])
                == "Yes: on these records the encoder is better than every control.")
        #expect(
            Self.headline(["random": up, "statistics": open, "parameters": down])
                == "In part: the encoder is better than the untrained network, but not shown to be better than "
                + "statistics of the leads, and worse than clinical parameters."
        )
        #expect(
            Self.headline(["random": open, "age_and_sex": up])
                == "No: the encoder is not shown to be better than the same network before any training, so its training "
                + "is not shown to have helped.")
        #expect(Self.headline(["random": down]).hasPrefix("No: the encoder is worse than"))
        // The encoder is a part of this one, so whether it beats that decides nothing.
        #expect(
            Self.headline(["random": up, "with_parameters": open])
                == "Yes: on these records the encoder is better than every control.")
        #expect(Self.headline([:]).hasPrefix("No verdict: nothing stands beside the encoder"))
    }

    @Test func theVerdictSaysWhetherTheEncoderAddsToClinicalParameters() throws {
        func page(_ difference: JSONValue) throws -> String {
            let given = Self.evaluation(["with_parameters": Self.less(-0.01, -0.02, 0.01)])
            var members = try #require(given.objectValue)
            var controls = try #require(members["controls"]?.objectValue)
            var joined = try #require(controls["with_parameters"]?.objectValue)
            joined["this_less_parameters"] = difference
            controls["with_parameters"] = .object(joined)
            members["controls"] = .object(controls)
            return Self.page(.object(members))
        }
        #expect(
            try page(Self.less(0.03, 0.01, 0.05)).contains(
                "Beside clinical parameters the encoder tells something new: both together less parameters alone, "
                    + "+0.030 (+0.010 to +0.050)"))
        #expect(
            try page(Self.less(0.03, -0.01, 0.05)).contains("is not shown to tell anything new"))
        #expect(try page(Self.less(-0.03, -0.05, -0.01)).contains("does harm"))
    }

    @Test func aComparisonSpeaksOfItsFirstRun() {
        let page = Self.page(Self.comparison)
        #expect(
            page.contains(
                "first (st-mem) is better than second (st-mem), but not shown to be better than"))
        #expect(page.contains("The study's figures") && page.contains("134.5"))
        #expect(page.contains("2 runs side by side"))
        #expect((try? WellFormed.check(page)) == [])
    }

    private static var comparison: JSONValue {
        func run(_ name: String, _ auroc: Double, _ difference: JSONValue) -> JSONValue {
            var members = results(auroc: auroc).merging(Self.run) { a, _ in a }
            members["run"] = .string("runs/deep/\(name)")
            members["first_run_less_this"] = difference
            return .object(members)
        }
        var control = results(auroc: 0.8)
        control["first_run_less_this"] = less(0.01, -0.02, 0.04)
        var members = about
        members["runs"] = [
            run("first", 0.81, less(0, 0, 0)), run("second", 0.7, less(0.11, 0.05, 0.16)),
        ]
        members["controls"] = ["statistics": .object(control)]
        return .object(members)
    }

    @Test func thePageIsWholeAndAlone() throws {
        let html = Self.page(
            Self.evaluation(
                ["random": Self.less(0.06, 0.02, 0.09)],
                further: [
                    "finetune": [
                        "test": ["auroc_macro": 0.84, "auroc_macro_interval": [0.8, 0.88]],
                        "steps": 300,
                    ],
                    "label_efficiency": [
                        "linear": [
                            [
                                "fraction": 0.01, "records": [9, 11],
                                "auroc_macro": ["mean": 0.61, "deviation": 0.03],
                            ],
                            [
                                "fraction": 1, "records": [1045],
                                "auroc_macro": ["mean": 0.8, "deviation": .null],
                            ],
                        ]
                    ],
                ]))
        #expect(html.contains("0.610<br><small>± 0.030, 10 records</small>"))
        #expect(html.contains("0.800<br><small>1045 records</small>"))
        #expect(html.contains("+0.060<br><small>+0.020 to +0.090, p 0.004</small>"))
        for title in [
            "Verdict", "Diagnoses read out of the vectors", "Differences on the same records",
            "Each diagnosis", "What is taken for what", "Records in a plane",
            "How far the classes lie apart", "Further protocols", "What was measured on what",
            "Do it again",
        ] {
            #expect(html.contains(">\(title)</h2>"), "\(title)")
        }
        #expect(!html.contains("Clinical parameters read out</h2>"))
        #expect(
            html.contains("0.840 (0.800 to 0.880)") && html.contains("this encoder, fine-tuned"))
        #expect(html.contains("runs/&lt;first&gt;") && !html.contains("<first>"))
        #expect(html.contains("record &lt;3&gt;"))
        #expect(html.contains("purkinje evaluate --run 'runs/it'\\''s first' --report f.html"))
        #expect(
            !html.contains("http://") && !html.contains("https://") && !html.contains("<script"))
        #expect(try WellFormed.check(html) == [])
    }

    @Test(.needsBrowser(Browser.isInstalled))
    func aBrowserShowsEveryFigureAndNothingLeavesThePage() throws {
        let opened = try Browser.open(
            Self.page(Self.evaluation(["random": Self.less(0.06, 0.02, 0.09)])))
        // A track a contender for two classifiers, a panel a class, one map.
        #expect(opened.drawings == 2 * 2 + 3 + 1)
        #expect(opened.complaints.isEmpty, "\(opened.complaints)")
    }

    @Test(.needsBrowser(Browser.isInstalled))
    func aPageThatAskedForSomethingElsewhereWouldBeNoticed() throws {
        let page = ReportPage(
            title: "x", subtitle: "",
            sections: [
                .init(title: "y", body: "<img src=\"https://example.invalid/a.png\" alt=\"\">")
            ])
        #expect(try !Browser.open(page.html).complaints.isEmpty)
    }

    @Test func whatAPageKnowsNoDrawingForIsATable() {
        let html = JSONTables.html([
            "labels_per_class": [
                "ten_percent": [
                    "auroc_macro": 0.7, "auroc_macro_interval": [0.6, 0.8], "records": 10,
                ],
                "whole": ["auroc_macro": 0.8, "auroc_macro_interval": .null, "records": 100],
            ], "note": "a < b",
        ])
        #expect(html.contains("0.700 (0.600 to 0.800)") && html.contains("<td>ten percent</td>"))
        #expect(html.contains("a &lt; b") && html.contains("labels per class"))
    }

    @Test func aDrawingOfAMapStandsAlone() throws {
        let chart = ScatterChart(
            title: "t", groups: ["a", "b"],
            points: [
                .init(x: 0, y: 0, group: 0, label: "one"),
                .init(x: 1, y: 1, group: nil, label: "two"),
                .init(x: .nan, y: 1, group: 1, label: "three"),
            ])
        #expect(try WellFormed.check(chart.file) == [])
        #expect(chart.file.contains("a (1)") && chart.file.contains("no label (1)"))
        #expect(!chart.file.contains("three") && !chart.file.contains("b ("))
    }
}
