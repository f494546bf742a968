using System.Text;

namespace Updraft.Agent.Tests;

public sealed class LogFormatTests
{
    [Fact]
    public void Plain_line_has_event_reason_and_fields()
    {
        var line = Write(isPlain: true, log => log.Warning("server_unavailable", ("reason", "Connection refused."),
            ("silence", TimeSpan.FromSeconds(2)), ("missing", null)));

        Assert.Matches(@"^\d\d:\d\d:\d\d warning server unavailable: Connection refused\. \(silence 2000 ms\)\n$", line);
    }

    [Fact]
    public void Plain_line_cannot_control_the_terminal()
    {
        var line = Write(isPlain: true, log => log.Error("revision_failed", ("reason", "bad\u001b[2Jfile\r\nname\u009b")));

        Assert.DoesNotContain(line.TrimEnd('\n'), char.IsControl);
    }

    [Fact]
    public void Json_line_is_the_default() =>
        Assert.StartsWith("{\"time\":", Write(isPlain: false, log => log.Information("agent_stopped")), StringComparison.Ordinal);

    private static string Write(bool isPlain, Action<AgentLog> write)
    {
        using var output = new MemoryStream();
        write(new AgentLog(output, TimeProvider.System, isPlain));
        return Encoding.UTF8.GetString(output.ToArray());
    }
}
