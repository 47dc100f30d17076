/* SPDX-License-Identifier: MIT */
/*
 * The row functions, a template over the vectors of vec512.h or vec256.h. Elementwise operations
 * are those of ref.c in the same order, so they give the same bits. Sums run over W lanes (in
 * double where there are many terms) by absolute position, then through one tree.
 */

/* Loads the vector at p, of which `left` values exist; the other lanes are set to `rest`. */
static inline vf get(const float *p, size_t left, float rest)
{
	return left >= W ? v_load(p) : v_load_n(p, left, rest);
}

static inline void put(float *p, vf x, size_t left)
{
	if (left >= W)
		v_store(p, x);
	else
		v_store_n(p, x, left);
}

static inline vf get_act(const act *p, size_t left)
{
	return left >= W ? v_load_act(p) : v_load_act_n(p, left);
}

static inline void put_act(act *p, vf x, size_t left)
{
	if (left >= W)
		v_store_act(p, x);
	else
		v_store_act_n(p, x, left);
}

/* kern_expf, lane by lane; `down`: x <= 0 in all lanes. */
static inline vf v_exp_of(vf x, const int down)
{
	vf m = v_fma(x, v_set1(EXP_LOG2E), v_set1(EXP_MAGIC)), n = v_sub(m, v_set1(EXP_MAGIC));
	vf r = v_fnma(n, v_set1(EXP_LN2_LO), v_fnma(n, v_set1(EXP_LN2_HI), x));
	vf p = v_fma(v_set1(EXP_Q4), r, v_set1(EXP_Q3));

	p = v_fma(p, r, v_set1(EXP_Q2));
	p = v_fma(p, r, v_set1(EXP_Q1));
	p = v_fma(p, r, v_set1(EXP_Q0));
	p = v_fma(p, r, v_set1(1));
	p = v_fma(p, r, v_set1(1));
	p = down ? v_scale2_down(p, n, m) : v_scale2(p, n, m);
	p = v_pick(v_lt(x, v_set1(EXP_LO)), v_zero(), p);
	return down ? p : v_pick(v_lt(v_set1(EXP_HI), x), v_set1(HUGE_VALF), p);
}

static inline vf v_exp(vf x) { return v_exp_of(x, 0); }
static inline vf v_exp_down(vf x) { return v_exp_of(x, 1); }

static void to_act(act *out, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i += W)
		put_act(out + i, get(x + i, n - i, 0), n - i);
}

static void from_act(float *out, const act *x, size_t n)
{
	for (size_t i = 0; i < n; i += W)
		put(out + i, get_act(x + i, n - i), n - i);
}

static void add(float *y, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i += W)
		put(y + i, v_add(get(y + i, n - i, 0), get(x + i, n - i, 0)), n - i);
}

static void axpy(float *y, float a, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i += W)
		put(y + i, v_add(get(y + i, n - i, 0), v_mul(v_set1(a), get(x + i, n - i, 0))), n - i);
}

static double sumsq(const float *x, size_t n)
{
	struct vd s[2] = {vd_zero(), vd_zero()};

	for (size_t i = 0; i < n; i += W)
		s[i / W % 2] = vd_add_square(s[i / W % 2], get(x + i, n - i, 0));
	return vd_hsum(s[0]) + vd_hsum(s[1]);
}

static float inverse_rms(const float *x, size_t d, float eps)
{
	return (float)(1 / sqrt(sumsq(x, d) / (double)d + eps));
}

static float rmsnorm(act *out, const float *x, const float *w, size_t d, float eps)
{
	float r = inverse_rms(x, d, eps);

	for (size_t i = 0; i < d; i += W)
		put_act(out + i, v_mul(v_mul(get(x + i, d - i, 0), v_set1(r)), get(w + i, d - i, 0)),
		        d - i);
	return r;
}

static float rmsnorm_f32(float *x, const float *w, size_t d, float eps)
{
	float r = inverse_rms(x, d, eps);

	for (size_t i = 0; i < d; i += W)
		put(x + i, v_mul(v_mul(get(x + i, d - i, 0), v_set1(r)), get(w + i, d - i, 0)), d - i);
	return r;
}

static void rmsnorm_bwd(float *dx, float *dw, const float *dy, const float *x, const float *w,
                        size_t d, float r)
{
	struct vd s = vd_zero();
	vf c, vr = v_set1(r);

	for (size_t i = 0; i < d; i += W) {
		vf g = v_mul(get(dy + i, d - i, 0), get(w + i, d - i, 0));

		s = vd_add(s, v_mul(g, get(x + i, d - i, 0)));
	}
	c = v_set1((float)(vd_hsum(s) * r * r * r / (double)d));
	for (size_t i = 0; i < d; i += W) {
		vf y = get(dy + i, d - i, 0), xi = get(x + i, d - i, 0);
		vf g = v_sub(v_mul(v_mul(y, get(w + i, d - i, 0)), vr), v_mul(xi, c));

		put(dx + i, v_add(get(dx + i, d - i, 0), g), d - i);
		if (dw)
			put(dw + i, v_add(get(dw + i, d - i, 0), v_mul(y, v_mul(xi, vr))), d - i);
	}
}

static void rope(float *x, size_t heads, size_t s, const float *cosine, const float *sine)
{
	size_t half = s / 2;

	for (size_t h = 0; h < heads; h++, x += s)
		for (size_t i = 0; i < half; i += W) {
			vf a = get(x + i, half - i, 0), b = get(x + half + i, half - i, 0);
			vf c = get(cosine + i, half - i, 0), d = get(sine + i, half - i, 0);

			put(x + i, v_sub(v_mul(a, c), v_mul(b, d)), half - i);
			put(x + half + i, v_add(v_mul(b, c), v_mul(a, d)), half - i);
		}
}

/* exp(-z), z the sigmoid's argument (ref.c). */
static inline vf gate_exp(vf g, int gelu)
{
	vf z = g;

	if (gelu)
		z = v_mul(g, v_add(v_set1(GELU_A), v_mul(v_set1(GELU_B), v_mul(g, g))));
	return v_exp(v_sub(v_zero(), z));
}

static void glu(act *h, const float *gate, const float *up, size_t n, int gelu)
{
	for (size_t i = 0; i < n; i += W) {
		vf g = get(gate + i, n - i, 0);
		vf y = v_div(g, v_add(v_set1(1), gate_exp(g, gelu)));

		put_act(h + i, v_mul(y, get(up + i, n - i, 0)), n - i);
	}
}

static void glu_bwd(act *dgate, act *dup, act *h, const float *dh, const act *gate, const act *up,
                    size_t n, int gelu)
{
	vf one = v_set1(1);

	for (size_t i = 0; i < n; i += W) {
		vf g = get_act(gate + i, n - i), u = get_act(up + i, n - i), d = get(dh + i, n - i, 0);
		vf s = v_div(one, v_add(one, gate_exp(g, gelu))), gs = v_mul(g, s);
		vf slope = gelu ? v_add(v_set1(GELU_A), v_mul(v_set1(3 * GELU_B), v_mul(g, g))) : one;
		vf dg = v_add(s, v_mul(v_mul(gs, v_sub(one, s)), slope));

		put_act(h + i, v_mul(gs, u), n - i);
		put_act(dup + i, v_mul(d, gs), n - i);
		put_act(dgate + i, v_mul(v_mul(d, u), dg), n - i);
	}
}

static float lse(const float *x, size_t n, float inv_t)
{
	vf top = v_set1(-HUGE_VALF), t = v_set1(inv_t);
	struct vd s = vd_zero();
	float max;

	for (size_t i = 0; i < n; i += W)
		top = v_max(v_mul(get(x + i, n - i, -HUGE_VALF), t), top);
	max = v_hmax(top);
	if (max == -HUGE_VALF || max == HUGE_VALF)
		max = 0;
	for (size_t i = 0; i < n; i += W)
		s = vd_add(s, v_exp_down(v_sub(v_mul(get(x + i, n - i, -HUGE_VALF), t), v_set1(max))));
	return (float)(max + log(vd_hsum(s)));
}

static void kl(const float *x, float lse_x, const float *y, float lse_y, size_t n, float *out,
               float *entropy)
{
	struct vd d = vd_zero(), h = vd_zero();

	for (size_t i = 0; i < n; i += W) {
		vf lp = v_sub(get(x + i, n - i, -HUGE_VALF), v_set1(lse_x)), p = v_exp(lp);
		vmask some = v_ne(p, v_zero());      /* 0 log 0 = 0 */

		h = vd_add(h, v_pick(some, v_mul(p, lp), v_zero()));
		if (y) {
			vf lq = v_sub(get(y + i, n - i, 0), v_set1(lse_y));

			d = vd_add(d, v_pick(some, v_mul(p, v_sub(lp, lq)), v_zero()));
		}
	}
	*out = (float)vd_hsum(d);
	*entropy = (float)-vd_hsum(h);
}

static void dlogits(act *dx, const float *x, float lse_x, const float *y, float lse_y, float kl_xy,
                    size_t n, int token, float c_logp, float c_kl)
{
	for (size_t i = 0; i < n; i += W) {
		vf lp = v_sub(get(x + i, n - i, -HUGE_VALF), v_set1(lse_x)), p = v_exp(lp);
		vf g = v_mul(v_set1(-c_logp), p);

		if (y) {
			vf lq = v_sub(get(y + i, n - i, 0), v_set1(lse_y));
			vf t = v_mul(v_mul(v_set1(c_kl), p), v_sub(v_sub(lp, lq), v_set1(kl_xy)));

			g = v_pick(v_ne(p, v_zero()), v_add(g, t), g);
		}
		put_act(dx + i, g, n - i);
		if (token >= 0 && (size_t)token / W == i / W && (size_t)token < n) {
			float lanes[W];

			v_store(lanes, g);
			dx[token] = act_of(c_logp + lanes[token % W]);
		}
	}
}

static void adamw(const struct adamw *a, size_t n, const float *g, const float *p0, const float *m0,
                  const float *v0, act *w, float *p, float *m, float *v)
{
	vf b1 = v_set1(a->b1), b2 = v_set1(a->b2), rest1 = v_set1(1 - a->b1), rest2 = v_set1(1 - a->b2);

	for (size_t i = 0; i < n; i += W) {
		size_t left = n - i;
		vf gi = v_mul(get(g + i, left, 0), v_set1(a->gscale)), x = get(p0 + i, left, 0);
		vf mi = v_mul(b1, m0 ? get(m0 + i, left, 0) : v_set1(0));
		vf vi = v_mul(b2, v0 ? get(v0 + i, left, 0) : v_set1(0));
		vf root, step;

		mi = v_add(mi, v_mul(rest1, gi));
		vi = v_add(vi, v_mul(rest2, v_mul(gi, gi)));
		root = v_add(v_sqrt(v_mul(vi, v_set1(a->c2))), v_set1(a->eps));
		step = v_add(v_div(v_mul(mi, v_set1(a->c1)), root), v_mul(v_set1(a->decay), x));
		x = v_sub(x, v_mul(v_set1(a->lr), step));
		put(m + i, mi, left);
		put(v + i, vi, left);
		put(p + i, x, left);
		put_act(w + i, x, left);
	}
}
