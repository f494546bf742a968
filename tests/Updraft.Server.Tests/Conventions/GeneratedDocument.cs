using System.Xml.Linq;

namespace Updraft.Server.Tests.Conventions;

/// <summary>A page of the docs that is generated from the code.</summary>
internal static class GeneratedDocument
{
    /// <summary>Environment variable that makes the tests write the pages instead of comparing them.</summary>
    private const string Update = "UPDRAFT_UPDATE_DOCS";

    private const int MaxLine = 120;

    private static readonly Dictionary<string, XElement> Members = XDocument
        .Load(Path.ChangeExtension(typeof(Program).Assembly.Location, ".xml")).Root!.Element("members")!.Elements()
        .ToDictionary(member => member.Attribute("name")!.Value, StringComparer.Ordinal);

    /// <summary>Fails if the page differs from its generated text.</summary>
    /// <param name="path">Path of the page in the repository.</param>
    /// <param name="text">The generated text.</param>
    public static void AssertCurrent(string path, string text)
    {
        var file = Path.Join(SourceTree.Root, path);
        if (Environment.GetEnvironmentVariable(Update) == "1")
            File.WriteAllText(file, text);
        var current = File.Exists(file) ? File.ReadAllText(file) : "";
        Assert.True(current == text, $"{path} differs from the code. Run this test once with {Update}=1, then review and commit the page.");
    }

    /// <summary>An element of the XML documentation of a member, as one line of Markdown; empty if it does not exist.</summary>
    /// <param name="member">ID of the member, e.g. <c>T:Updraft.Server.Api.ServerOptions</c>.</param>
    /// <param name="element">Name of the element, e.g. <c>summary</c>.</param>
    /// <param name="resolve">Returns the text for a reference to another member.</param>
    public static string Read(string member, string element, Func<string, string> resolve)
    {
        var text = Members.GetValueOrDefault(member)?.Element(element) is { } found
            ? string.Concat(found.Nodes().Select(node => Convert(node, resolve))) : "";
        return string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>A paragraph with lines of at most 120 characters.</summary>
    public static string Wrap(string text)
    {
        var lines = new List<string>();
        foreach (var word in text.Split(' '))
        {
            if (lines.Count > 0 && lines[^1].Length + 1 + word.Length <= MaxLine)
                lines[^1] += " " + word;
            else
                lines.Add(word);
        }
        return string.Join('\n', lines);
    }

    /// <summary>A text in a cell of a table.</summary>
    public static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static string Convert(XNode node, Func<string, string> resolve) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" } see => $"`{resolve(see.Attribute("cref")!.Value)}`",
        _ => throw new InvalidOperationException($"'{node}' cannot be converted to Markdown."),
    };
}
