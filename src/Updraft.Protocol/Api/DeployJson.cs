using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

[JsonSerializable(typeof(CreateDeployRequest))]
[JsonSerializable(typeof(UpdateDeployRequest))]
[JsonSerializable(typeof(FinalizeDeployRequest))]
[JsonSerializable(typeof(DeployRollbackRequest))]
[JsonSerializable(typeof(DeployResponse))]
[JsonSerializable(typeof(DeploysResponse))]
public sealed partial class ApiJson;
