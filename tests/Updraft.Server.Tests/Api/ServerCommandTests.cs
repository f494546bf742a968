using System.Diagnostics;

namespace Updraft.Server.Tests.Api;

/// <summary>The program as an operator starts it, as a process of its own.</summary>
public sealed class ServerCommandTests
{
    [Fact]
    public async Task Help_teaches_and_ends_well()
    {
        var (code, output, _) = await RunAsync([], "--help");
        Assert.Equal(0, code);
        Assert.Contains("--PublicUrl", output, StringComparison.Ordinal);
        Assert.Contains("UPDRAFT_Uploads__MaxBytes", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_version_is_a_version()
    {
        var (code, output, _) = await RunAsync([], "--version");
        Assert.Equal(0, code);
        Assert.True(Version.TryParse(output.Trim(), out _), output);
    }

    [Fact]
    public async Task Bad_settings_are_all_listed_and_end_with_78()
    {
        var (code, _, error) = await RunAsync([("UPDRAFT_AirflowHome", "relative")], "--PublicUrl=nowhere", "--Bootstrap:OrganizationId=x", "--Images:Proxy=true");
        Assert.Equal(78, code);
        Assert.Contains("PublicUrl", error, StringComparison.Ordinal);
        Assert.Contains("AirflowHome", error, StringComparison.Ordinal);
        Assert.Contains("Bootstrap:OrganizationId", error, StringComparison.Ordinal);
        Assert.Contains("Images:Proxy needs Images:RegistryUrl", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--PublikUrl=http://localhost")]
    [InlineData("serve")]
    [InlineData("--Listen")]
    public async Task A_mistyped_argument_ends_with_78_and_is_named(string argument)
    {
        var (code, _, error) = await RunAsync([], argument);
        Assert.Equal(78, code);
        Assert.Contains(argument.Split('=')[0], error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_said_and_ends_with_1()
    {
        await using var server = await UpdraftServer.StartAsync();
        var folder = Directory.CreateTempSubdirectory("updraft-test-").FullName;
        try
        {
            var (code, _, error) = await RunAsync([], $"--Data={folder}", $"--Listen={server.BaseAddress.ToString().TrimEnd('/')}");
            Assert.Equal(1, code);
            Assert.Contains("--Listen", error, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync((string Name, string Value)[] environment,
        params string[] args)
    {
        var start = new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "Updraft.Server"), args)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }
}
