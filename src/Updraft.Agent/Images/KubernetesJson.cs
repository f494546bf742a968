using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Updraft.Agent.Images;

/// <summary>
/// Finds values in Kubernetes objects by path. A value that is absent or of another type is null. Records would be easier to read, but
/// their generated code takes one or two megabytes of memory in each agent, even without this driver.
/// </summary>
internal static class KubernetesJson
{
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonElement? At(this JsonElement json, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty(name, out json))
                return null;
        }
        return json;
    }

    public static string? Text(this JsonElement json, params ReadOnlySpan<string> path) =>
        json.At(path) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    public static int? Number(this JsonElement json, params ReadOnlySpan<string> path) =>
        json.At(path) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var value) ? value : null;

    /// <summary>Elements of a list; none if there is no list.</summary>
    public static List<JsonElement> Items(this JsonElement json, params ReadOnlySpan<string> path) =>
        json.At(path) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];

    /// <summary>Containers in a list; none if there is no list.</summary>
    public static List<ContainerSpec> Containers(this JsonElement json, params ReadOnlySpan<string> path)
    {
        var containers = new List<ContainerSpec>();
        foreach (var container in json.Items(path))
            containers.Add(new ContainerSpec(container.Text("name") ?? "", container.Text("image")));
        return containers;
    }

    public static string Write(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Format))
            write(json);
        return Encoding.UTF8.GetString(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }
}
