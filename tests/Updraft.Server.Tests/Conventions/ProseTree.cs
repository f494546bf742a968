using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>The texts of the checkout. <c>UPDRAFT_PROSE_ROOT</c> names another checkout to read.</summary>
internal static partial class ProseTree
{
    private static readonly Lazy<IReadOnlyList<ProseText>> AllTexts = new(() => [.. Documents.Values.SelectMany(page => page.Units), .. CodeTexts()]);

    private static readonly Lazy<IReadOnlyDictionary<string, ProseMarkdown>> Pages = new(() =>
        Files("", ".md").ToDictionary(file => file, file => ProseMarkdown.Parse(file, Read(file)), StringComparer.Ordinal));

    public static string Root { get; } = Environment.GetEnvironmentVariable("UPDRAFT_PROSE_ROOT") is { Length: > 0 } root ? root : SourceTree.Root;

    /// <summary>Every Markdown page by its path.</summary>
    public static IReadOnlyDictionary<string, ProseMarkdown> Documents => Pages.Value;

    public static IReadOnlyList<ProseText> Texts => AllTexts.Value;

    /// <summary>README and the pages of <c>docs</c>, to which the limits of style apply.</summary>
    public static IEnumerable<KeyValuePair<string, ProseMarkdown>> Manual => Documents.Where(page => page.Key == "README.md" || IsDocs(page.Key))
        .OrderBy(page => page.Key, StringComparer.Ordinal);

    public static bool IsDocs(string file) => file.StartsWith("docs/", StringComparison.Ordinal);

    public static bool Exists(string file) => Path.Exists(Path.Join(Root, file));

    public static string Read(string file) => File.ReadAllText(Path.Join(Root, file)).Replace("\r\n", "\n", StringComparison.Ordinal);

    /// <summary>Files below a directory, by relative path, without generated ones.</summary>
    public static IEnumerable<string> Files(string directory, string ending)
    {
        var path = Path.Join(Root, directory);
        if (!Directory.Exists(path))
            return [];
        var files = new FileSystemEnumerable<string>(path, (ref entry) => entry.ToFullPath(), new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
        {
            ShouldRecursePredicate = (ref entry) => !IsGenerated(entry.FileName),
            ShouldIncludePredicate = (ref entry) => !entry.IsDirectory && entry.FileName.EndsWith(ending),
        };
        return files.Select(file => Path.GetRelativePath(Root, file)).Order(StringComparer.Ordinal);
    }

    private static bool IsGenerated(ReadOnlySpan<char> directory) => directory is "obj" or "bin" or "artifacts" or "Migrations" or "node_modules" or ".git" or ".demo";

    public static IEnumerable<string> CSharpFiles() => ((string[])["src", "tests", "rigs", "benchmarks", "fuzz"]).SelectMany(directory => Files(directory, ".cs"));

    /// <summary>C#, Razor and project files, scripts and configuration.</summary>
    public static IEnumerable<string> CodeFiles() => CSharpFiles().Concat(Files("src", ".razor")).Concat(Files("", ".csproj")).Concat(Files("", "").Where(IsScript));

    private static IEnumerable<ProseText> CodeTexts()
    {
        foreach (var file in CSharpFiles())
        {
            var text = Read(file);
            var code = ProseCSharp.Parse(file, text);
            var own = code.Comments.Concat(file.StartsWith("src/", StringComparison.Ordinal) ? code.Strings : []);
            foreach (var found in file.StartsWith("tests/", StringComparison.Ordinal) ? own.Concat(ProseTestName.Read(file, text)) : own)
                yield return found;
        }
        foreach (var file in Files("src", ".razor"))
        {
            var page = ProseRazor.Parse(file, Read(file));
            foreach (var found in page.Texts.Concat(page.Comments))
                yield return found;
        }
        foreach (var found in Files("", "").Where(IsScript).SelectMany(file => ProseScript.Parse(file, Read(file))))
            yield return found;
    }

    /// <summary>Shell scripts, and the configuration files that users copy.</summary>
    private static bool IsScript(string file)
    {
        if (ConfigurationFile().IsMatch(file))
            return true;
        if (Path.HasExtension(file) || !ScriptPlace().IsMatch(file))
            return false;
        using var reader = new StreamReader(Path.Join(Root, file));
        return ShellStart().IsMatch(reader.ReadLine() ?? "");
    }

    [GeneratedRegex(@"^(?:packaging|examples)/.*(?:\.ya?ml|\.service|Dockerfile|\.hcl|\.tf)$")]
    private static partial Regex ConfigurationFile();

    [GeneratedRegex(@"^(?:[^/]+|\.ci/.*|packaging/.*|rigs/.*|fuzz/run|examples/.*)$")]
    private static partial Regex ScriptPlace();

    [GeneratedRegex(@"^#!.*\b(?:ba)?sh\b")]
    private static partial Regex ShellStart();
}
