using System.Text.RegularExpressions;

namespace Updraft.Protocol.Tests;

/// <summary>The test vectors as they stand in the documentation, so that the documentation cannot rot.</summary>
internal static class Vectors
{
    /// <summary>The fenced block after <c>&lt;!-- vector: NAME --&gt;</c> in a file of docs/formats, without its last line end.</summary>
    public static string Read(string file, string name)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Join(folder, "Updraft.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No Updraft.slnx above the tests.");
        var text = File.ReadAllText(Path.Join(folder, "docs", "formats", file));
        var match = Regex.Match(text, $@"<!-- vector: {Regex.Escape(name)} -->\n```\n(.*?)\n```", RegexOptions.Singleline, TimeSpan.FromSeconds(5));
        return match.Success ? match.Groups[1].Value : throw new InvalidOperationException($"No vector '{name}' in {file}.");
    }
}
