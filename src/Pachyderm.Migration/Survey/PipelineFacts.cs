using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Survey;

/// <summary>What the survey remembers of a pipeline: its record, read with the schema of 1.5 (field numbers did not change).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Record">The record as it is stored now.</param>
/// <param name="Encoding">How it is written.</param>
public sealed record PipelineFacts(ByteString Name, PipelineInfo Record, RecordEncoding Encoding);
