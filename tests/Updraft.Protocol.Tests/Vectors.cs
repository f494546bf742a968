using System.Text.RegularExpressions;

namespace Updraft.Protocol.Tests;

/// <summary>Reads test vectors from the documentation, so that the documentation stays correct.</summary>
internal static class Vectors
{
    /// <summary>Reads the fenced block after <c>&lt;!-- vector: NAME --&gt;</c> in a file of docs/formats.</summary>
    public static string Read(string file, string name)
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Join(directory, "Updraft.slnx")))
            directory = Path.GetDirectoryName(directory)
                ?? throw new InvalidOperationException("No directory above the tests contains Updraft.slnx.");
        var text = File.ReadAllText(Path.Join(directory, "docs", "formats", file));
        var match = Regex.Match(text, $@"<!-- vector: {Regex.Escape(name)} -->\n```\n(.*?)\n```", RegexOptions.Singleline,
            TimeSpan.FromSeconds(5));
        return match.Success
            ? match.Groups[1].Value
            : throw new InvalidOperationException($"The file {file} has no vector '{name}'.");
    }
}
