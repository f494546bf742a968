using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

public sealed partial class BannedSymbolTests
{
    /// <summary>An expression that uses each line of BannedSymbols.txt.</summary>
    private static readonly Dictionary<string, string> Uses = new()
    {
        ["P:System.DateTime.Now"] = "System.DateTime.Now.ToString()",
        ["P:System.DateTime.UtcNow"] = "System.DateTime.UtcNow.ToString()",
        ["P:System.DateTime.Today"] = "System.DateTime.Today.ToString()",
        ["P:System.DateTimeOffset.Now"] = "System.DateTimeOffset.Now.ToString()",
        ["P:System.DateTimeOffset.UtcNow"] = "System.DateTimeOffset.UtcNow.ToString()",
        ["M:System.Guid.NewGuid"] = "System.Guid.NewGuid().ToString()",
        ["M:System.Threading.Thread.Sleep(System.Int32)"] = "System.Threading.Thread.Sleep(1)",
        ["M:System.Threading.Thread.Sleep(System.TimeSpan)"] = "System.Threading.Thread.Sleep(System.TimeSpan.Zero)",
        ["M:System.IO.File.Move(System.String,System.String,System.Boolean)"] = "System.IO.File.Move(\"a\", \"b\", true)",
        ["M:System.IO.FileStream.Flush(System.Boolean)"] = "((System.IO.FileStream)null!).Flush(true)",
        ["M:System.IO.RandomAccess.FlushToDisk(Microsoft.Win32.SafeHandles.SafeFileHandle)"] = "System.IO.RandomAccess.FlushToDisk(null!)",
        ["T:System.Formats.Tar.TarFile"] = "System.Formats.Tar.TarFile.CreateFromDirectory(\"a\", \"b\", false)",
        ["T:System.Formats.Tar.TarReader"] = "new System.Formats.Tar.TarReader(null!).Dispose()",
    };

    [Fact]
    public async Task What_BannedSymbols_lists_does_not_compile()
    {
        var banned = (await File.ReadAllLinesAsync(Path.Join(SourceTree.Root, "BannedSymbols.txt"), TestContext.Current.CancellationToken))
            .Where(line => line.Length > 0).Select(line => line.Split(';')[0]).ToList();
        Assert.True(banned.ToHashSet().SetEquals(Uses.Keys),
            "BannedSymbols.txt and Uses in this file differ; each banned symbol needs a use here, so that the ban is seen to work:\n"
            + string.Join('\n', banned.Except(Uses.Keys).Concat(Uses.Keys.Except(banned))));

        // Below the checkout, so that the repository's own props, packages and list of symbols apply. The file is named, because the
        // SDK leaves out what lies below artifacts.
        var project = Directory.CreateDirectory(Path.Join(SourceTree.Root, "artifacts", "conventions", "BannedSymbols")).FullName;
        await File.WriteAllTextAsync(Path.Join(project, "BannedSymbols.Probe.csproj"),
            """<Project Sdk="Microsoft.NET.Sdk"><ItemGroup><Compile Include="Probe.cs" /></ItemGroup></Project>""", TestContext.Current.CancellationToken);
        var lines = banned.Select((symbol, index) => $"    internal static void Use{index}() => {Uses[symbol]};");
        await File.WriteAllLinesAsync(Path.Join(project, "Probe.cs"), ["internal static class Probe {", .. lines, "}"], TestContext.Current.CancellationToken);

        var output = await BuildAsync(project);
        Assert.DoesNotContain("error CS", output, StringComparison.Ordinal);
        var refused = Refusal().Matches(output).Select(match => int.Parse(match.Groups["line"].ValueSpan, provider: null) - 2).ToHashSet();
        var accepted = banned.Where((_, index) => !refused.Contains(index)).ToList();
        Assert.True(accepted.Count == 0, "These symbols are banned, for the reason in BannedSymbols.txt, and yet they compile:\n"
            + string.Join('\n', accepted) + "\n" + output);
    }

    private static async Task<string> BuildAsync(string project)
    {
        var start = new ProcessStartInfo("dotnet", ["build", "--nologo", "-v", "quiet", "--disable-build-servers", "-nodeReuse:false"])
        {
            WorkingDirectory = project,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        using var build = Process.Start(start)!;
        var output = await Task.WhenAll(build.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken),
            build.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await build.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(0, build.ExitCode);
        return string.Join('\n', output);
    }

    [GeneratedRegex(@"Probe\.cs\((?<line>\d+),\d+\): error RS0030")]
    private static partial Regex Refusal();
}
