// Run this artifact on Android: on a photo, or on the check data beside this file.
//
// In app/build.gradle.kts: dependencies { implementation("com.google.ai.edge.litert:litert:2.1.0") }, or a later version.
// In app/src/main/assets: the model file, classes.txt where there is one, and for check() the check_*.bin files.
//
//     Network(context).use { network -> network.classify(bitmap).forEach { println("${it.first}  ${it.second}") } }

import android.content.Context
import android.graphics.Bitmap
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.log10
import kotlin.math.max
import kotlin.math.min
import kotlin.math.sin

/** An input or output; real = (stored - zeroPoint) * scale, and real numbers are stored where scale is 0. */
class Tensor(val name: String, val type: String, val scale: Float, val zeroPoint: Int)

/** How a photo becomes the input; resize is the short side, or 0: then to resizeRows by resizeColumns. */
class Photo(
    val rows: Int,
    val columns: Int,
    val resize: Int,
    val resizeRows: Int,
    val resizeColumns: Int,
    val interpolation: String,
    val channels: String,
    val mean: FloatArray,
    val std: FloatArray,
    val baked: Boolean,
    val channelsLast: Boolean
)

//@constants

/** Bytes of an input or output, as the file stores them. */
private fun bytes(size: Int): ByteBuffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN)

/** Rows of pixels, channels last, each from 0 to 255. */
class Picture(val rows: Int, val columns: Int, val channels: Int, val values: IntArray)

/** The network, loaded once and kept; close it when it is no longer used. */
class Network(private val context: Context, accelerator: Accelerator = Accelerator.CPU) : AutoCloseable {
    private val model = CompiledModel.create(context.assets, MODEL, CompiledModel.Options(accelerator))
    private val inputs = INPUTS.map { model.createInputBuffer(it.name) }
    private val outputs = OUTPUTS.map { model.createOutputBuffer(it.name) }

    /** Real outputs, in the manifest's order, for inputs as the file stores them. */
    fun run(given: List<ByteArray>): List<FloatArray> {
        for (place in INPUTS.indices) write(inputs[place], given[place], INPUTS[place])
        model.run(
            INPUTS.indices.associate { INPUTS[it].name to inputs[it] },
            OUTPUTS.indices.associate { OUTPUTS[it].name to outputs[it] }
        )
        return OUTPUTS.indices.map { read(outputs[it], OUTPUTS[it]) }
    }

    /** The five best classes and their scores. */
    fun classify(bitmap: Bitmap): List<Pair<Float, String>> {
        val how = PHOTO ?: error("nobody said how a photo becomes this network's input: call run()")
        val scores = run(listOf(photoToInput(pictureOf(bitmap), how, INPUTS[0])))[0]
        val names = if ("classes.txt" in context.assets.list("")!!) {
            context.assets.open("classes.txt").bufferedReader().use { it.readLines() }
        } else {
            emptyList()
        }
        val best = scores.indices.sortedByDescending { scores[it] }.take(5)
        return best.map { Pair(scores[it], if (it < names.size) names[it] else "class $it") }
    }

    /** How near each output of the check data is to the float network's, in decibels. */
    fun check(): List<Double> {
        val made = run(INPUTS.indices.map { asset("check_input_$it.bin") })
        return OUTPUTS.indices.map { decibels(made[it], floats(asset("check_reference_$it.bin"))) }
    }

    override fun close() {
        (inputs + outputs).forEach { it.close() }
        model.close()
    }

    private fun asset(name: String): ByteArray = context.assets.open(name).use { it.readBytes() }
}

private fun write(buffer: TensorBuffer, given: ByteArray, spec: Tensor) {
    val stored = ByteBuffer.wrap(given).order(ByteOrder.LITTLE_ENDIAN)
    when (spec.type) {
        "float32" -> buffer.writeFloat(FloatArray(given.size / 4) { stored.getFloat(4 * it) })
        "int32" -> buffer.writeInt(IntArray(given.size / 4) { stored.getInt(4 * it) })
        "int64" -> buffer.writeLong(LongArray(given.size / 8) { stored.getLong(8 * it) })
        "bool" -> buffer.writeBoolean(BooleanArray(given.size) { given[it] != 0.toByte() })
        else -> buffer.writeInt8(given)
    }
}

private fun read(buffer: TensorBuffer, spec: Tensor): FloatArray {
    val values = when (spec.type) {
        "float32" -> buffer.readFloat()
        "int32" -> buffer.readInt().map { it.toFloat() }.toFloatArray()
        "int64" -> buffer.readLong().map { it.toFloat() }.toFloatArray()
        "bool" -> buffer.readBoolean().map { if (it) 1f else 0f }.toFloatArray()
        "uint8" -> buffer.readInt8().map { (it.toInt() and 255).toFloat() }.toFloatArray()
        else -> buffer.readInt8().map { it.toFloat() }.toFloatArray()
    }
    return if (spec.scale == 0f) values else FloatArray(values.size) { (values[it] - spec.zeroPoint) * spec.scale }
}

private fun floats(stored: ByteArray): FloatArray {
    val buffer = ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN)
    return FloatArray(stored.size / 4) { buffer.getFloat(4 * it) }
}

private fun decibels(made: FloatArray, exact: FloatArray): Double {
    var noise = 0.0
    var signal = 0.0
    for (at in exact.indices) {
        noise += (made[at] - exact[at]).toDouble() * (made[at] - exact[at])
        signal += exact[at].toDouble() * exact[at]
    }
    return 10 * log10(signal / noise)
}

// ---- A photo, exactly as edgekit prepared those that the artifact was calibrated and verified on ----

fun pictureOf(bitmap: Bitmap): Picture {
    val packed = IntArray(bitmap.width * bitmap.height)
    bitmap.getPixels(packed, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
    val values = IntArray(3 * packed.size) { (packed[it / 3] shr (16 - 8 * (it % 3))) and 255 }
    return Picture(bitmap.height, bitmap.width, 3, values)
}

private fun sinc(x: Double): Double = if (x == 0.0) 1.0 else sin(PI * x) / (PI * x)

private fun kernel(far: Double, interpolation: String): Double {
    val x = abs(far)
    return when {
        interpolation == "bilinear" -> if (x < 1) 1 - x else 0.0
        interpolation == "lanczos" -> if (x < 3) sinc(x) * sinc(x / 3) else 0.0
        x < 1 -> (1.5 * x - 2.5) * x * x + 1
        x < 2 -> (((x - 5) * x + 8) * x - 4) * -0.5
        else -> 0.0
    }
}

/** What a pixel takes of the given ones, from the first on, in units of 2^-22. */
private class Taps(val first: Int, val weights: IntArray)

/** The kernel is as wide as the step when the photo becomes smaller. */
private fun taps(given: Int, made: Int, interpolation: String): List<Taps> {
    val reach = when (interpolation) { "bilinear" -> 1; "bicubic" -> 2; else -> 3 }
    val step = given.toDouble() / made
    val wide = max(step, 1.0)
    return (0 until made).map { place ->
        val centre = (place + 0.5) * step
        if (interpolation == "nearest") {
            Taps(centre.toInt(), intArrayOf(1 shl 22))
        } else {
            val first = max(0, (centre - reach * wide + 0.5).toInt())
            val last = min(given, (centre + reach * wide + 0.5).toInt())
            val weights = (first until last).map { kernel((it - centre + 0.5) / wide, interpolation) }
            val sum = weights.fold(0.0) { all, weight -> all + weight }
            val fixed = weights.map { it / sum * (1 shl 22) }
            Taps(first, fixed.map { (if (it < 0) it - 0.5 else it + 0.5).toInt() }.toIntArray())
        }
    }
}

/** Along columns (across) or rows: a byte is rounded after each direction, as in Pillow. */
private fun resizedAlong(photo: Picture, size: Int, across: Boolean, interpolation: String): Picture {
    val rows = if (across) photo.rows else size
    val columns = if (across) size else photo.columns
    val all = taps(if (across) photo.columns else photo.rows, size, interpolation)
    val step = photo.channels * (if (across) 1 else photo.columns)
    val values = IntArray(rows * columns * photo.channels)
    for (row in 0 until rows) for (column in 0 until columns) for (channel in 0 until photo.channels) {
        val taken = all[if (across) column else row]
        val start = if (across) row * photo.columns + taken.first else taken.first * photo.columns + column
        var sum = 1 shl 21
        for (tap in taken.weights.indices) {
            sum += photo.values[start * photo.channels + channel + tap * step] * taken.weights[tap]
        }
        values[(row * columns + column) * photo.channels + channel] = (sum shr 22).coerceIn(0, 255)
    }
    return Picture(rows, columns, photo.channels, values)
}

private fun grey(photo: Picture): Picture {
    val values = IntArray(photo.rows * photo.columns) {
        val at = 3 * it
        (photo.values[at] * 19595 + photo.values[at + 1] * 38470 + photo.values[at + 2] * 7471 + 0x8000) shr 16
    }
    return Picture(photo.rows, photo.columns, 1, values)
}

/** A photo as the file stores its input. */
fun photoToInput(given: Picture, how: Photo, spec: Tensor): ByteArray {
    var photo = if (how.channels == "L") grey(given) else given
    var rows = how.resizeRows
    var columns = how.resizeColumns
    if (how.resize != 0 && how.rows == how.columns) {
        val longer = (how.resize.toDouble() * max(photo.rows, photo.columns) / min(photo.rows, photo.columns)).toInt()
        rows = if (photo.rows <= photo.columns) how.resize else longer
        columns = if (photo.rows <= photo.columns) longer else how.resize
    } else if (how.resize != 0) {
        val larger = how.resize.toDouble() / min(how.rows, how.columns)
        val ratio = min(photo.rows / (how.rows * larger), photo.columns / (how.columns * larger))
        rows = max(how.rows, Math.rint(photo.rows / ratio).toInt())
        columns = max(how.columns, Math.rint(photo.columns / ratio).toInt())
    }
    if (columns != photo.columns) photo = resizedAlong(photo, columns, true, how.interpolation)
    if (rows != photo.rows) photo = resizedAlong(photo, rows, false, how.interpolation)
    val left = Math.rint((columns - how.columns) / 2.0).toInt()
    val top = Math.rint((rows - how.rows) / 2.0).toInt()
    val count = photo.channels
    val area = how.rows * how.columns
    val input = bytes(area * count * (if (how.baked || spec.scale != 0f) 1 else 4))
    for (place in 0 until area * count) {
        val channel = if (how.channelsLast) place % count else place / area
        val pixel = if (how.channelsLast) place / count else place % area
        val at = (top + pixel / how.columns) * photo.columns + left + pixel % how.columns
        val value = photo.values[at * count + (if (how.channels == "BGR") count - 1 - channel else channel)]
        val real = if (how.baked) 0f else (value / 255f - how.mean[channel]) / how.std[channel]
        when {
            how.baked -> input.put(value.toByte())
            spec.scale == 0f -> input.putFloat(real)
            else -> {
                val steps = Math.rint((real / spec.scale).toDouble()) + spec.zeroPoint
                val lowest = if (spec.type == "int8") -128.0 else 0.0
                input.put(steps.coerceIn(lowest, lowest + 255).toInt().toByte())
            }
        }
    }
    return input.array()
}
