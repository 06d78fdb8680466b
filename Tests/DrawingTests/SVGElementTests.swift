import Drawing
import Testing

@Suite struct SVGElementTests {
    @Test(arguments: [
        (0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (0.5, "0.5"), (0.05, "0.05"), (-0.05, "-0.05"),
        (1.50, "1.5"), (12.345, "12.35"), (-0.004, "0"), (0.996, "1"), (-99.999, "-100"),
        (.nan, "0"), (.infinity, "1000000000"), (-1e300, "-1000000000"),
    ])
    func numbersAreShort(value: Double, text: String) {
        #expect(svgNumber(value) == text)
        #expect(value.svgText == text)
    }

    @Test(arguments: [(0, "3"), (1, "3.1"), (2, "3.14"), (3, "3.142")])
    func decimalsAreAtMost(decimals: Int, text: String) {
        #expect(svgNumber(3.14159, decimals: decimals) == text)
        #expect(svgNumber(3, decimals: decimals) == "3")
    }

    @Test func textsAndAttributesAreEscaped() {
        let element = SVGElement("text", ["x": 1.5, "y": 2, "class": "a\"b&"], says: "<P & T>")
        #expect(
            element.text
                == "<text x=\"1.5\" y=\"2\" class=\"a&quot;b&amp;\">&lt;P &amp; T&gt;</text>")
    }

    @Test func elementsNest() {
        let circle = SVGElement("circle", ["r": 1])
        #expect(circle.text == "<circle r=\"1\"/>")
        #expect(
            SVGElement("g", [:], [circle, circle]).text
                == "<g><circle r=\"1\"/><circle r=\"1\"/></g>")
        #expect(
            SVGElement("g", [:], [circle], separator: "\n").text == "<g>\n<circle r=\"1\"/>\n</g>")
        #expect(SVGElement("title", says: "").text == "<title></title>")
    }

    @Test func aFileHasItsSize() {
        let file = SVGElement.file(
            width: 20, height: 10.5, unit: "mm", attributes: ["role": "img"], [SVGElement("g")])
        #expect(
            file == """
                <svg xmlns="http://www.w3.org/2000/svg" width="20mm" height="10.5mm" viewBox="0 0 20 10.5" role="img">
                <g/>
                </svg>

                """)
    }
}
