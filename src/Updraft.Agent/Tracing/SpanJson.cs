using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Updraft.Agent.Tracing;

/// <summary>Spans in the JSON of OTLP: ids in hexadecimal, times as text in nanoseconds since 1970.</summary>
internal static class SpanJson
{
    /// <summary>Serializes spans to the body of one request.</summary>
    public static byte[] Write(IReadOnlyList<Activity> spans, AgentOptions options)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("resourceSpans");
            json.WriteStartObject();
            json.WriteStartObject("resource");
            WriteAttributes(json,
            [
                new("service.name", "updraft-agent"), new("service.version", AgentVersion.Text), new("host.name", options.Host),
                new("service.instance.id", $"{options.Component}@{options.Host}"), new("updraft.component", options.Component),
            ]);
            json.WriteEndObject();
            json.WriteStartArray("scopeSpans");
            json.WriteStartObject();
            json.WriteStartObject("scope");
            json.WriteString("name", AgentSpans.SourceName);
            json.WriteEndObject();
            json.WriteStartArray("spans");
            foreach (var span in spans)
                Write(json, span);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, Activity span)
    {
        json.WriteStartObject();
        json.WriteString("traceId", span.TraceId.ToHexString());
        json.WriteString("spanId", span.SpanId.ToHexString());
        json.WriteString("parentSpanId", span.ParentSpanId.ToHexString());
        json.WriteString("name", span.DisplayName);
        // OTLP numbers the kinds from 1, and .NET from 0.
        json.WriteNumber("kind", (int)span.Kind + 1);
        json.WriteString("startTimeUnixNano", Nanoseconds(span.StartTimeUtc));
        json.WriteString("endTimeUnixNano", Nanoseconds(span.StartTimeUtc + span.Duration));
        WriteAttributes(json, span.TagObjects);
        if (span.Status == ActivityStatusCode.Error)
        {
            json.WriteStartObject("status");
            json.WriteNumber("code", 2);
            json.WriteString("message", span.StatusDescription);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteAttributes(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, object?>> attributes)
    {
        json.WriteStartArray("attributes");
        foreach (var (name, value) in attributes)
        {
            if (value is null)
                continue;
            json.WriteStartObject();
            json.WriteString("key", name);
            json.WriteStartObject("value");
            if (value is long or int)
                json.WriteString("intValue", Convert.ToInt64(value, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture));
            else
                json.WriteString("stringValue", value.ToString());
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static string Nanoseconds(DateTime time) =>
        ((time - DateTime.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick).ToString(CultureInfo.InvariantCulture);
}
