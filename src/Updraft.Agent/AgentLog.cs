using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Updraft.Agent;

/// <summary>
/// Writes one line per event, with time, level, event name and fields: a JSON object for programs, or plain text for operators. Durations
/// become milliseconds. Callers never pass a token. The events are documented in docs/reference/agent-log-events.md.
/// </summary>
/// <param name="output">Receives the lines.</param>
/// <param name="clock">Clock for the times of the lines.</param>
/// <param name="isPlain">Whether to write plain text.</param>
internal sealed class AgentLog(Stream output, TimeProvider clock, bool isPlain = false)
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
        if (isPlain)
        {
            Write(Encoding.UTF8.GetBytes(Plain(level, message, fields)));
            return;
        }
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
        Write(line.GetBuffer().AsSpan(0, (int)line.Length));
    }

    private void Write(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            output.Write(line);
            output.Flush();
        }
    }

    /// <summary>One line such as <c>12:00:01 warning server unavailable: Connection refused (silence 5 ms)</c>.</summary>
    private string Plain(string level, string message, ReadOnlySpan<(string Name, object? Value)> fields)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{clock.GetLocalNow():HH:mm:ss} ");
        if (level != "information")
            text.Append(level).Append(' ');
        text.Append(message.Replace('_', ' '));
        var (rest, reasons) = (new List<string>(), new List<string>());
        foreach (var (name, value) in fields)
        {
            if (value is null)
                continue;
            if (name is "reason" or "consequence")
                reasons.Add(Text(value));
            else
                rest.Add($"{name} {Text(value)}");
        }
        if (reasons.Count > 0)
            text.Append(": ").AppendJoin(' ', reasons);
        if (rest.Count > 0)
            text.Append(" (").AppendJoin(", ", rest).Append(')');
        // A reason can contain text of a server or a command, which must not control the terminal.
        for (var i = 0; i < text.Length; i++)
            text[i] = char.IsControl(text[i]) ? ' ' : text[i];
        return text.Append('\n').ToString();
    }

    private static string Text(object value) => value switch
    {
        DateTimeOffset time => time.ToString("u", CultureInfo.InvariantCulture),
        TimeSpan time => string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalMilliseconds} ms"),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

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
