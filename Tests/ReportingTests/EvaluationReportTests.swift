import EvaluationSchema
import Runtime
import TestSupport
import Testing

@testable import Reporting

@Suite struct EvaluationReportTests {
    private static let classes = ["CD", "MI", "NORM"]

    private static func byClass<Value>(_ value: (Int) -> Value) -> [String: Value] {
        Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, value($0)) })
    }

    private static func measure(_ value: Double) -> SchemaMeasure {
        SchemaMeasure(value: value, interval: nil)
    }

    /// What `evaluate` says of vectors, in short.
    private static func results(auroc: Double) -> ModelSummary {
        var linear = LinearSummary()
        linear.probe.test.records = 173
        linear.probe.test.aurocMacro = SchemaMeasure(
            value: auroc, interval: SchemaInterval(lower: auroc - 0.05, upper: auroc + 0.05))
        linear.probe.test.auroc = byClass { auroc - 0.01 * Double($0) }
        linear.probe.test.aurocInterval = byClass { _ in
            SchemaInterval(lower: auroc - 0.08, upper: auroc + 0.04)
        }
        linear.probe.test.averagePrecision = byClass { _ in 0.5 }
        linear.probe.test.f1 = byClass { _ in 0.4 }
        linear.probe.test.thresholds = byClass { _ in 0.3 }
        linear.probe.test.support = byClass { 30 + $0 }
        linear.probe.test.f1Macro = measure(0.51)
        linear.probe.test.f1MacroAtHalf = measure(0.47)
        linear.probe.test.averagePrecisionMacro = measure(0.5)
        var single = ProbeSummary()
        single.test.aurocMacro = measure(auroc)
        single.test.f1Macro = measure(0.3)
        single.test.confusion = byClass { row in byClass { $0 == row ? 20 : 3 } }
        linear.singleLabel = single
        var near = NeighbourSummary()
        near.test.aurocMacro = measure(0.66)
        near.test.f1Weighted = measure(0.59)
        near.test.aurocWeighted = measure(0.7)
        var clusters = ClusterSummary()
        clusters.test.classes.records = 143
        clusters.test.classes.daviesBouldin = 4.4
        clusters.test.classes.silhouette = -0.04
        clusters.test.classes.calinskiHarabasz = 4.39
        clusters.test.classes.calinskiHarabaszPerRecord = 0.0318
        clusters.test.adjustedRand = 0.07
        clusters.equalDimension.wantedDimension = 9
        clusters.equalDimension.dimension = 9
        clusters.equalDimension.test = clusters.test
        var results = ModelSummary()
        results.dimension = 192
        (results.linear, results.neighbours, results.clusters) = (linear, near, clusters)
        return results
    }

    private static func less(
        _ difference: Double, _ lower: Double, _ upper: Double
    ) -> DifferenceSummaries {
        var summary = DifferenceSummary()
        (summary.difference, summary.pValue) = (difference, 0.004)
        summary.interval = SchemaInterval(lower: lower, upper: upper)
        return [.linearAUROC: summary]
    }

    private static var about: AssessmentSummary {
        var about = AssessmentSummary()
        (about.readout, about.seed, about.dataDigest) = ("mean", "0", "ab12")
        (about.records.training, about.records.validation) = (1045, 165)
        about.records.test = 173
        return about
    }

    private static func run(_ name: String, auroc: Double) -> RunSummary {
        var run = RunSummary()
        run.run = name
        (run.encoder.method, run.encoder.step) = ("st-mem", 2800)
        (run.encoder.stateDigest, run.encoder.dataDigest) = ("cd34", "ef56")
        run.results = results(auroc: auroc)
        return run
    }

    private static func evaluation(
        _ differences: [String: DifferenceSummaries],
        further: (inout Evaluation) -> Void = { _ in }
    ) -> EvaluationDocument {
        var evaluation = Evaluation()
        evaluation.assessment = about
        evaluation.run = run("runs/<first>", auroc: 0.813)
        evaluation.controls = differences.mapValues { difference in
            var control = results(auroc: 0.757)
            control.encoderLessControl = difference
            return control
        }
        further(&evaluation)
        return .evaluation(evaluation)
    }

    private static var pictures: ModelPictures {
        let chart = ScatterChart(
            title: "t-SNE", groups: classes + ["several"],
            points: (0..<40).map {
                .init(x: Double($0 % 7), y: Double($0 % 5), group: $0 % 4, label: "record <\($0)>")
            })
        return ModelPictures(
            name: "encoder",
            curves: classes.map {
                .init(className: $0, points: [(0, 0), (0.1, 0.6), (0.5, 0.9), (1, 1)])
            }, maps: [.init(title: "t-SNE, perplexity 30", chart: chart)])
    }

    private static func page(_ evaluation: EvaluationDocument) -> String {
        EvaluationReport(
            evaluation, classes: classes, pictures: [pictures],
            command: ["purkinje", "evaluate", "--run", "runs/it's first", "--report", "f.html"]
        ).html
    }

    private static func headline(_ differences: [String: DifferenceSummaries]) -> String {
        Verdict(ReportedModel.all(of: evaluation(differences))).headline
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

    @Test func theVerdictSaysWhetherTheEncoderAddsToClinicalParameters() {
        func page(_ difference: DifferenceSummaries) -> String {
            let given = Self.evaluation(["with_parameters": Self.less(-0.01, -0.02, 0.01)]) {
                $0.controls["with_parameters"]?.thisLessParameters = difference
            }
            return Self.page(given)
        }
        #expect(
            page(Self.less(0.03, 0.01, 0.05)).contains(
                "Beside clinical parameters the encoder tells something new: both together less parameters alone, "
                    + "+0.030 (+0.010 to +0.050)"))
        #expect(
            page(Self.less(0.03, -0.01, 0.05)).contains("is not shown to tell anything new"))
        #expect(page(Self.less(-0.03, -0.05, -0.01)).contains("does harm"))
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

    private static var comparison: EvaluationDocument {
        func run(
            _ name: String, _ auroc: Double, _ difference: DifferenceSummaries
        ) -> RunSummary {
            var run = Self.run("runs/deep/\(name)", auroc: auroc)
            run.results.firstRunLessThis = difference
            return run
        }
        var control = results(auroc: 0.8)
        control.firstRunLessThis = less(0.01, -0.02, 0.04)
        var comparison = Comparison()
        comparison.assessment = about
        comparison.runs = [
            run("first", 0.81, less(0, 0, 0)), run("second", 0.7, less(0.11, 0.05, 0.16)),
        ]
        comparison.controls = ["statistics": control]
        return .comparison(comparison)
    }

    @Test func thePageIsWholeAndAlone() throws {
        let html = Self.page(
            Self.evaluation(
                ["random": Self.less(0.06, 0.02, 0.09)]) { evaluation in
                    var finetune = FinetuneSummary()
                    finetune.steps = 300
                    finetune.test.aurocMacro = SchemaMeasure(
                        value: 0.84, interval: SchemaInterval(lower: 0.8, upper: 0.88))
                    evaluation.run.results.finetune = finetune
                    func part(
                        _ fraction: Double, _ records: [Int], _ mean: Double, _ deviation: Double?
                    ) -> LabelPartSummary {
                        var part = LabelPartSummary()
                        (part.fraction, part.records) = (fraction, records)
                        (part.aurocMacro.mean, part.aurocMacro.deviation) = (mean, deviation)
                        return part
                    }
                    var efficiency = LabelEfficiencySummary()
                    efficiency.linear = [
                        part(0.01, [9, 11], 0.61, 0.03), part(1, [1045], 0.8, nil),
                    ]
                    evaluation.run.results.labelEfficiency = efficiency
                })
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
        // A track a model for two classifiers, a panel a class, one map.
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
