using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>JSON of the public API, without reflection. Unknown keys are ignored, a key given twice is refused.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, AllowDuplicateProperties = false, MaxDepth = 32,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(ErrorResponse))]
[JsonSerializable(typeof(OrganizationResponse))]
[JsonSerializable(typeof(OrganizationsPaginated))]
[JsonSerializable(typeof(CreateDeployRequest))]
[JsonSerializable(typeof(UpdateDeployRequest))]
[JsonSerializable(typeof(FinalizeDeployRequest))]
[JsonSerializable(typeof(DeployRollbackRequest))]
[JsonSerializable(typeof(DeployResponse))]
[JsonSerializable(typeof(DeploysPaginated))]
public sealed partial class ApiJson : JsonSerializerContext;
