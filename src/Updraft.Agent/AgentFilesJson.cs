using System.Text.Json.Serialization;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>JSON of the files that the agent writes for itself, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AgentRecord))]
[JsonSerializable(typeof(StateRecord))]
[JsonSerializable(typeof(IReadOnlyList<DesiredMount>))]
internal sealed partial class AgentFilesJson : JsonSerializerContext;
