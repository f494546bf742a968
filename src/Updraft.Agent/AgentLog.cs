using System.Text.Encodings.Web;
using System.Text.Json;

namespace Updraft.Agent;

/// <summary>
/// Writes one JSON object per line: time, level, event name and fields. Durations become milliseconds. Callers never pass a token. The
/// events are documented in docs/reference/agent-log-events.md.
/// </summary>
internal sealed class AgentLog(Stream output, TimeProvider clock)
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Lock _gate = new();

    public void Information(string message, params ReadOnlySpan<(string Name, object? Value)> fields) =>
        Write("information", message, fields);

    public void Warning(string message, params ReadOnlySpan<(string Name, object? Value)> fields) =>
        Write("warning", message, fields);

    /// <summary>Logs an event that needs an operator, or damage that the agent repaired.</summary>
    public void Error(string message, params ReadOnlySpan<(string Name, object? Value)> fields) =>
        Write("error", message, fields);

    private void Write(string level, string message, ReadOnlySpan<(string Name, object? Value)> fields)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line, Format))
        {
            json.WriteStartObject();
            json.WriteString("time", clock.GetUtcNow().UtcDateTime);
            json.WriteString("level", level);
            json.WriteString("message", message);
            foreach (var (name, value) in fields)
                WriteField(json, name, value);
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        lock (_gate)
        {
            output.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
            output.Flush();
        }
    }

    private static void WriteField(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null: break;
            case long number: json.WriteNumber(name, number); break;
            case int number: json.WriteNumber(name, number); break;
            case bool flag: json.WriteBoolean(name, flag); break;
            case DateTimeOffset time: json.WriteString(name, time.UtcDateTime); break;
            case TimeSpan time: json.WriteNumber(name + "Milliseconds", (long)time.TotalMilliseconds); break;
            default: json.WriteString(name, value.ToString()); break;
        }
    }
}
