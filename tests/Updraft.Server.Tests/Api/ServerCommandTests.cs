using System.Diagnostics;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Api;

/// <summary>The program in its own process, as an operator starts it.</summary>
[Trait("Database", "any")]
public sealed class ServerCommandTests
{
    [Fact]
    public async Task Help_prints_examples_and_exits_0()
    {
        var (code, output, _) = await RunAsync([], "--help");
        Assert.Equal(0, code);
        Assert.Contains("--PublicUrl", output, StringComparison.Ordinal);
        Assert.Contains("UPDRAFT_Uploads__MaxBytes", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_is_printed_and_exits_0()
    {
        var (code, output, _) = await RunAsync([], "--version");
        Assert.Equal(0, code);
        Assert.True(Version.TryParse(output.Trim(), out _), output);
    }

    [Fact]
    public async Task All_invalid_settings_are_listed_and_exit_78()
    {
        var (code, _, error) = await RunAsync([("UPDRAFT_AirflowHome", "relative")], "--PublicUrl=nowhere",
            "--Bootstrap:OrganizationId=x", "--Images:Proxy=true");
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
    public async Task Mistyped_argument_is_named_and_exits_78(string argument)
    {
        var (code, _, error) = await RunAsync([], argument);
        Assert.Equal(78, code);
        Assert.Contains(argument.Split('=')[0], error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--Uploads:MaxBytez=1", "'--Uploads:MaxBytez' is not a setting. Did you mean '--Uploads:MaxBytes'?")]
    [InlineData("--Event:KeepDays=1", "Did you mean '--Events:KeepDays'?")]
    [InlineData("--SignIn:Roles:0:Klaim=groups", "Did you mean '--SignIn:Roles:N:Claim'?")]
    [InlineData("--Wholly:Different=1", "The configuration reference lists all settings.")]
    public async Task Unknown_setting_suggests_the_nearest_and_exits_78(string argument, string suggestion)
    {
        var (code, _, error) = await RunAsync([], argument);
        Assert.Equal(78, code);
        Assert.Contains(suggestion, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_settings_of_all_sources_and_invalid_values_are_listed_together()
    {
        var (code, _, error) = await RunAsync([("UPDRAFT_Uploads__MaxBytez", "1"), ("UPDRAFT_Upload__MaxBlocks", "1")],
            "--PublikUrl=http://localhost", "--Events:KeepDays=-1", "--AirflowHome=relative");
        Assert.Equal(78, code);
        Assert.Contains("'UPDRAFT_Uploads__MaxBytez' is not a setting. Did you mean 'UPDRAFT_Uploads__MaxBytes'?", error,
            StringComparison.Ordinal);
        Assert.Contains("Did you mean 'UPDRAFT_Uploads__MaxBlocks'?", error, StringComparison.Ordinal);
        Assert.Contains("Did you mean '--PublicUrl'?", error, StringComparison.Ordinal);
        Assert.Contains("Events:KeepDays must be between 0 and 36500.", error, StringComparison.Ordinal);
        Assert.Contains("AirflowHome must be", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unreadable_values_hide_no_other_mistakes()
    {
        var (code, _, error) = await RunAsync([("UPDRAFT_Database__MaxConnections", "many")], "--Listen=127.0.0.1:21401", "--PublicUrl=foo",
            "--Agents:MaxWait=abc", "--Uploads:MaxBytes=-1", "--Listn", "X", "--TrustedProxies=10.0.0.0/40");
        Assert.Equal(78, code);
        Assert.Contains("Agents:MaxWait is 'abc', but must be a time such as 00:01:30", error, StringComparison.Ordinal);
        Assert.Contains("Database:MaxConnections is 'many', but must be a whole number.", error, StringComparison.Ordinal);
        foreach (var text in (string[])["Listen must be a URL", "PublicUrl must be a URL", "Uploads:MaxBytes", "Did you mean '--Listen'?",
            "TrustedProxies has '10.0.0.0/40'"])
            Assert.Contains(text, error, StringComparison.Ordinal);
        Assert.DoesNotContain("'X'", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Public_URL_follows_a_Listen_URL_of_this_host()
    {
        var directory = Directory.CreateTempSubdirectory("updraft-test-").FullName;
        try
        {
            var url = LoopbackPort.LeaseUrl().OriginalString.TrimEnd('/');
            using var process = Start([], $"--Data={directory}", $"--Listen={url}", "--Logging:LogLevel:Default=None");
            var lines = new List<string>();
            while (await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) is { } line
                && !line.Contains("is ready", StringComparison.Ordinal))
                lines.Add(line);
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Contains(lines, line => line.Contains("Server", StringComparison.Ordinal) && line.EndsWith(url, StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void Unknown_key_of_the_settings_file_is_listed()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, """{"Uploads": {"MaxBytez": 1, "MaxBlocks": 2}, "Logging": {"LogLevel": {"Default": "Debug"}}, "SignIn": {"Roles": [{"Claim": "groups"}]}}""");
            Assert.Equal([$"'Uploads:MaxBytez' in the settings file '{file}' is not a setting. Did you mean 'Uploads:MaxBytes'?"],
                CheckSettings.InFile(file));
            File.WriteAllText(file, "{");
            Assert.StartsWith($"The settings file '{file}' cannot be read", Assert.Single(CheckSettings.InFile(file)),
                StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Setting_of_every_section_and_foreign_variables_do_not_stop_the_start()
    {
        var directory = Directory.CreateTempSubdirectory("updraft-test-").FullName;
        try
        {
            using var process = Start([("UPDRAFT_SERVER_DLL", "x"), ("UPDRAFT_AGENT_TOKEN", "x"), ("UPDRAFT_PORT_8888_TCP", "x"),
                ("UPDRAFT_Webhooks__MaxTries", "3")],
                $"--Data={directory}", "--Listen=http://127.0.0.1:0", "--Events:KeepDays", "30", "--Logging:LogLevel:Default=None");
            try
            {
                var lines = new List<string>();
                while (await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) is { } line
                    && !line.Contains("is ready", StringComparison.Ordinal))
                    lines.Add(line);
                Assert.False(process.HasExited, string.Join('\n', lines));
            }
            finally
            {
                process.Kill();
                await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task Port_in_use_is_named_and_exits_1()
    {
        await using var server = await UpdraftServer.StartAsync();
        var directory = Directory.CreateTempSubdirectory("updraft-test-").FullName;
        try
        {
            var (code, _, error) = await RunAsync([], $"--Data={directory}", $"--Listen={server.BaseAddress.ToString().TrimEnd('/')}");
            Assert.Equal(1, code);
            Assert.Contains("--Listen", error, StringComparison.Ordinal);
            // The first start created the token, so the next one must not be needed to read it.
            Assert.NotEqual(0, new FileInfo(Path.Join(directory, "owner-token")).Length);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync((string Name, string Value)[] environment,
        params string[] args)
    {
        using var process = Start(environment, args);
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }

    private static Process Start((string Name, string Value)[] environment, params string[] args)
    {
        var start = new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "Updraft.Server"), args)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
